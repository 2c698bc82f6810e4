"""How many questions an address and a site may ask, counted by the `limits` library.

In: who asks, for which site. Out: the seconds to wait, 0 if none. Nothing of the question is
known here; what is kept of an address is a hash with a key, for at most twice the longest limit.
When the counting itself fails or takes long, questions are let through: a patient is not turned
away for that.
"""

import asyncio
import hashlib
import ipaddress
import logging
import math
import secrets
import time
from collections.abc import Iterator

from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from assistant.errors import FootnoteError
from assistant.sites import Site

log = logging.getLogger(__name__)
PATIENCE = 0.5
"""Seconds that counting may take."""
HOUSEHOLD = 64
"""Bits of an IPv6 address that one connection has; the rest it may choose itself."""


class Limiter:
    """Counts questions in memory, or in a store that several workers share."""

    _failing = False

    def __init__(self, address: str = "memory://") -> None:
        """Take the store's address, as `limits` writes it.

        Raises:
            FootnoteError: it is none, or its driver is missing.

        """
        options = {"implementation": "redispy"} if address.startswith("redis") else {}
        try:
            store = storage_from_string(f"async+{address}", wrap_exceptions=True, **options)
        except (ConfigurationError, ValueError) as error:
            raise FootnoteError(
                f"FOOTNOTE_LIMITS={address!r}: {error}. Use memory:// or redis://HOST:6379; for the "
                "latter: pip install 'footnote[redis]'"
            ) from None
        if not isinstance(store, Storage):
            raise FootnoteError(f"FOOTNOTE_LIMITS={address!r} cannot be waited for. Use memory://.")
        self._counter = SlidingWindowCounterRateLimiter(store)
        # Workers that count together must hash alike; the store's address is what they share.
        shared = hashlib.blake2b(address.encode()).digest()
        self._key = secrets.token_bytes(64) if address.startswith("memory") else shared

    async def wait(self, site: Site, peer: str | None) -> int:
        """Count a question of a peer (an address, None: not counted); return seconds to wait."""
        if peer is None:
            return 0
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._count(site, peer)
        except (StorageError, TimeoutError) as error:
            if not self._failing:
                log.error("questions cannot be counted: %s", type(error).__name__)  # noqa: TRY400
            self._failing = True
            return 0

    async def _count(self, site: Site, peer: str) -> int:
        limits = list(self._limits(site, peer))
        for limit, key in limits:
            if not await self._counter.test(limit, *key):
                stats = await self._counter.get_window_stats(limit, *key)
                return max(1, math.ceil(stats.reset_time - time.time()))
        for limit, key in limits:
            await self._counter.hit(limit, *key)
        self._failing = False
        return 0

    def _limits(self, site: Site, peer: str) -> Iterator[tuple[RateLimitItem, tuple[str, ...]]]:
        for limit in parse_many(site.limits.address):
            yield limit, ("address", site.id, self._name(peer))
        for limit in parse_many(site.limits.site):
            yield limit, ("site", site.id)

    def _name(self, peer: str) -> str:
        """Return what stands for an address in the store: a hash, of IPv6 the household's part."""
        try:
            address = ipaddress.ip_address(plain(peer))
        except ValueError:
            network = peer
        else:
            bits = HOUSEHOLD if address.version == 6 else 32
            network = str(ipaddress.ip_network((address, bits), strict=False))
        return hashlib.blake2b(network.encode(), digest_size=12, key=self._key).hexdigest()


def plain(peer: str) -> str:
    """Return an address without the form that IPv4 takes on a socket for both."""
    return peer.removeprefix("::ffff:") if "." in peer else peer


def is_local(peer: str) -> bool:
    """Tell whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(plain(peer)).is_loopback
    except ValueError:
        return False
