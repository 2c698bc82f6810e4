"""A source → a page of its own, with a passage marked in its whole text.

The page shows it in a frame; the widget opens it in a new tab. The text and what the
manifest says of it are in the collection's language; all else is in the visitor's. Without a
script: the address's fragment scrolls to the passage.
"""

from functools import cache
from html import escape
from pathlib import Path

from assistant import wording
from assistant.values import Kind, Source

STYLE = Path(__file__).parent / "static" / "source.css"
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<style>{style}</style></head><body>
<main>
<h1 dir="auto">{title}</h1>
{about}
<div class="text" dir="auto">{text}</div>
</main>
<footer {ours}><p>{notice}</p></footer>
</body></html>
"""


def source_page(
    source: Source,
    start: int | None,
    end: int | None,
    locale: str,
    emergency: str | None,
    language: str = wording.FALLBACK,
) -> str:
    """Return the page; `language` is the source's, `locale` the visitor's."""
    ours = f'lang="{escape(locale)}" dir="{wording.direction(locale)}"'
    return PAGE.format(
        language=escape(language),
        style=_style(),
        title=escape(source.title),
        about=_about(source, locale, ours),
        text=source_html(source.text, start, end),
        ours=ours,
        notice=escape(wording.notice_for(Kind.ANSWER, locale, emergency).text),
    )


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def source_html(text: str, start: int | None = None, end: int | None = None) -> str:
    """Return a source's text as safe HTML, the passage marked with id `passage`."""
    if start is None or end is None or not 0 <= start < end <= len(text):
        return escape(text)
    before, passage, after = text[:start], text[start:end], text[end:]
    return f'{escape(before)}<mark id="passage">{escape(passage)}</mark>{escape(after)}'


def _about(source: Source, locale: str, ours: str) -> str:
    """Return what a reader should know before reading: who wrote it, cautions, who reviewed it."""
    made = (source.kind[:1].upper() + source.kind[1:], source.author, source.publisher)
    lines = [f'<p dir="auto">{" · ".join(escape(part) for part in made if part)}</p>']
    if source.caution:
        label = escape(wording.say(locale, "page", "caution"))
        caution = f'<span dir="auto">{escape(source.caution)}</span>'
        lines.append(f'<p class="caution"><b {ours}>{label}:</b> {caution}</p>')
    lines.append(f'<p class="review" {ours}>{escape(reviewed(source, locale))}</p>')
    return f'<div class="about">{"".join(lines)}</div>'


def reviewed(source: Source, locale: str) -> str:
    """Say who reviewed a source and when, or that nobody has."""
    if not source.reviewed_by or not source.reviewed_on:
        return wording.say(locale, "page", "not_reviewed")
    day = source.reviewed_on.isoformat()
    return wording.say(locale, "page", "reviewed", name=source.reviewed_by, date=day)
