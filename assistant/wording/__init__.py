"""Fixed wording by locale: the one place for what patients read that is not a quotation.

The notice is made here from a reply's kind and locale alone. Texts are TOML files beside this
module; a missing key falls back to English.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from assistant.values import Kind, Notice

FALLBACK = "en"
REGIONAL_EMERGENCY = {
    "en-gb": "999",
    "en-ie": "112",
    "en-au": "000",
    "en-nz": "111",
    "pt-br": "192",
}
"""Where a region's number differs from its language's file (ambulance)."""


@cache
def locales() -> tuple[str, ...]:
    """Name the locales that have a file."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.toml")))


def match_locale(wanted: str | None, default: str = FALLBACK) -> str:
    """Return the locale to speak: the wanted one or its language where there is a file."""
    for candidate in (wanted or "", default):
        language = candidate.lower().replace("_", "-").split("-")[0]
        if language in locales():
            region = candidate.lower().replace("_", "-")
            return region if region in REGIONAL_EMERGENCY else language
    return FALLBACK


@cache
def _table(locale: str) -> dict[str, Any]:
    path = Path(__file__).parent / f"{locale.split('-', maxsplit=1)[0]}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def raw(locale: str, *keys: str) -> str | None:
    """Look a text up in a locale, then in English; None where neither has it."""
    for table in (_table(locale), _table(FALLBACK)):
        node: Any = table
        for key in keys:
            node = node.get(key) if isinstance(node, dict) else None
        if isinstance(node, str):
            return node
    return None


def section(locale: str, name: str) -> dict[str, str]:
    """Return a whole section of texts, English where the locale has none."""
    return {**_table(FALLBACK).get(name, {}), **_table(locale).get(name, {})}


def direction(locale: str) -> str:
    """Return in which direction a locale is written: `ltr` or `rtl`."""
    return raw(locale, "direction") or "ltr"


def emergency_number(locale: str, configured: str | None = None) -> str:
    """Return the number to call: the operator's, else the region's or language's."""
    if configured:
        return configured
    return REGIONAL_EMERGENCY.get(locale) or raw(locale, "emergency_number") or "112"


def notice_for(kind: Kind, locale: str, emergency: str | None = None) -> Notice:
    """Return the medical notice: it follows from the reply's kind and locale, nothing else."""
    text = (kind is Kind.URGENT and raw(locale, "notice", "urgent")) or raw(
        locale, "notice", "text"
    )
    version = raw(locale, "notice", "version")
    if not text or not version:
        raise LookupError(f"no notice for {locale}")
    return Notice(text.format(emergency=emergency_number(locale, emergency)), version)


def say(locale: str, *keys: str, **values: str) -> str:
    """Return a fixed text with its blanks filled in.

    Raises:
        LookupError: no locale has it: a bug.

    """
    text = raw(locale, *keys)
    if text is None:
        raise LookupError(f"no wording {'.'.join(keys)}")
    return text.format(**values)
