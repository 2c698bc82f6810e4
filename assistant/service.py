"""What one server serves: its sites, each with an engine that speaks for it.

Values only; `wiring` makes them, the faces read them.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Self

from starlette.requests import HTTPConnection

from assistant import wording
from assistant.engine import Engine
from assistant.errors import RequestError
from assistant.feedback import FeedbackStore
from assistant.limiter import Limiter, is_local, plain
from assistant.sites import DEFAULT, Site
from assistant.values import Kind, Notice, Source

EXAMPLES = 6
FORWARDING = ("x-forwarded-for", "forwarded", "x-real-ip")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Embedded:
    """A site and the engine that answers for it."""

    site: Site
    engine: Engine

    @property
    def emergency(self) -> str | None:
        """The number that the site names for emergencies; None: the locale's."""
        return self.site.emergency_number

    @property
    def sources(self) -> Mapping[str, Source]:
        """The sources that are quoted here, by id."""
        return self.engine.assistant.sources

    def greeting(self, locale: str) -> str:
        """Return what a face says first."""
        usual = self.engine.assistant.replies.smalltalk("greeting", locale, ())
        return self.site.greeting or usual.lead

    def examples(self) -> list[str]:
        """Return the questions that a face offers first."""
        return self.engine.assistant.decider.suggestions()[:EXAMPLES]

    def locale(self, wanted: str | None = None) -> str:
        """Return the locale to speak: the visitor's, the site's, the operator's."""
        return wording.match_locale(wanted, self.engine.assistant.default_locale)

    def notice(self, kind: Kind, locale: str) -> Notice:
        """Return the notice with the site's emergency number."""
        return wording.notice_for(kind, locale, self.emergency)


@dataclass(frozen=True)
class Service:
    """Everything that the faces need."""

    embedded: Mapping[str, Embedded]
    feedback: FeedbackStore
    limiter: Limiter = field(default_factory=Limiter)
    url: str | None = None
    """The address at which browsers reach the server, if the operator names it."""
    proxies: bool = False
    """Whether the operator names proxies."""

    @classmethod
    def of(cls, engine: Engine, feedback: FeedbackStore) -> Self:
        """Return a service of one engine and no other site than its own page."""
        clinic = engine.assistant.replies.clinic
        site = Site(id=DEFAULT, **{k: getattr(clinic, k) for k in clinic.__slots__})
        return cls({DEFAULT: Embedded(site, engine)}, feedback)

    @property
    def default(self) -> Embedded:
        """The assistant's own page."""
        return self.embedded[DEFAULT]

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of all sites."""
        return tuple(dict.fromkeys(o for one in self.embedded.values() for o in one.site.origins))

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """The sources of all collections that are served, by id."""
        return {k: v for one in self.embedded.values() for k, v in one.sources.items()}

    def source(self, name: str) -> Source:
        """Return a source by its id.

        Raises:
            RequestError: 404, there is none.

        """
        found = self.sources.get(name)
        if found is None:
            raise RequestError(404, "There is no such source. GET /api/v1/sources lists them.")
        return found

    def language(self, source: Source) -> str:
        """Return the language of the collection that a source is of."""
        holder = next(one for one in self.embedded.values() if source.id in one.sources)
        return str(holder.engine.assistant.decider.index.collection.language)

    def at(self, name: str | None) -> Embedded:
        """Return a site by its id; None: the default one.

        Raises:
            RequestError: 404, there is none.

        """
        found = self.embedded.get(name or DEFAULT)
        if found is None:
            raise RequestError(404, "There is no such site. Leave `site` out or name a known one.")
        return found

    def own(self, request: HTTPConnection) -> bool:
        """Tell whether a request comes from a page of this server, or from no page at all."""
        origin = request.headers.get("origin")
        if origin is None:
            return True
        if self.url:
            return origin == self.url
        # Behind a proxy with TLS the scheme that the server sees is not the browser's.
        return origin.partition("://")[2] == request.headers.get("host", "")

    def admit(self, request: HTTPConnection, site: Site) -> None:
        """Refuse a browser's request from a page that is not the site's.

        Raises:
            RequestError: 403.

        """
        if not self.own(request) and request.headers["origin"] not in site.origins:
            raise RequestError(
                403,
                "Pages of this origin may not use the assistant. Add it to the site's `origins`.",
            )

    async def admit_asker(self, request: HTTPConnection, site: Site) -> None:
        """Refuse whoever asks too much.

        Raises:
            RequestError: 429, with the seconds to wait.

        """
        if wait := await self.limiter.wait(site, self.peer(request)):
            raise RequestError(429, f"Too many questions. Ask again in {wait} seconds.", wait)

    def peer(self, request: HTTPConnection) -> str | None:
        """Return whose questions are counted; None: this machine's own, asked for oneself.

        A proxy's header is read by the server, and only from proxies that the operator names. One
        from an unnamed proxy is not believed, but shows that there is one: then everybody behind
        it counts as one asker, rather than nobody as any. So it is where browsers come by a name.
        """
        address = plain(request.client.host) if request.client else ""
        forwarded = any(h in request.headers for h in FORWARDING)
        if forwarded and not self.proxies:
            _warn_of_a_proxy()
        return None if is_local(address) and not forwarded and self.url is None else address

    @property
    def engines(self) -> tuple[Engine, ...]:
        """One engine of each index that is served."""
        return tuple(
            {id(o.engine.assistant.decider): o.engine for o in self.embedded.values()}.values()
        )

    def close(self) -> None:
        """Let go of every index."""
        for engine in self.engines:
            engine.close()


@cache
def _warn_of_a_proxy() -> None:
    """Say so once, and without the address: whoever invents such a header would find theirs here."""
    log.warning(
        "requests come as if through a proxy, and none is named: all its visitors share one limit. "
        "If there is one, set FOOTNOTE_PROXIES to its address"
    )
