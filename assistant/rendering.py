"""A reply → what each face shows: JSON for HTTP, Markdown for the page, text for the terminal.

One place, so that no face can forget the notice or a footnote. Everything of foreign origin is
escaped here.
"""

import html
from typing import Any
from urllib.parse import quote

from assistant import wording
from assistant.values import Citation, Kind, Reply, Source, Statement


def as_json(reply: Reply, emergency: str | None = None) -> dict[str, Any]:
    """Return the reply in the shape of HTTP version 1."""
    notice = wording.notice_for(reply.kind, reply.locale, emergency)
    return {
        "id": reply.id,
        "kind": reply.kind.value,
        "lead": reply.lead,
        "statements": statements_json(reply),
        "citations": citations_json(reply),
        "sources_disagree": reply.sources_disagree,
        "disagreements": [
            {"about": d.about, "sides": [list(side) for side in d.sides]}
            for d in reply.disagreements
        ],
        "understood_as": reply.understood_as,
        "suggestions": list(reply.suggestions),
        "actions": [{"label": a.label, "href": a.href} for a in reply.actions],
        "notice": {"text": notice.text, "version": notice.version},
        "locale": reply.locale,
    }


def statements_json(reply: Reply) -> list[dict[str, Any]]:
    """Return the statements, each with the numbers of its citations."""
    numbers = {citation: n for n, citation in enumerate(reply.citations, 1)}
    return [
        {"text": s.text, "citations": [numbers[c] for c in s.citations], "theme": s.theme}
        for s in reply.statements
    ]


def citations_json(reply: Reply) -> list[dict[str, Any]]:
    """Return the numbered citations."""
    return [
        {
            "number": number,
            "source": citation.source.id,
            "title": citation.source.title,
            "kind": citation.source.kind,
            "caution": citation.source.caution,
            "quote": citation.quote,
            "start": citation.span.start,
            "end": citation.span.end,
            "sha256": citation.source.sha256,
            "href": passage_link(citation),
        }
        for number, citation in enumerate(reply.citations, 1)
    ]


def passage_link(citation: Citation) -> str:
    """Return the address that opens the source at the highlighted passage."""
    return f"/sources/{quote(citation.source.id)}?start={citation.span.start}&end={citation.span.end}#passage"


def as_text(reply: Reply, emergency: str | None = None) -> str:
    """Return the reply for a terminal."""
    lines = []
    if reply.understood_as:
        lines += [wording.say(reply.locale, "lead", "understood", question=reply.understood_as), ""]
    if reply.lead:
        lines.append(reply.lead)
    numbers = {citation: n for n, citation in enumerate(reply.citations, 1)}
    for heading, statements in by_theme(reply):
        lines += ["", f"{heading}:"] if heading else [""]
        for statement in statements:
            marks = "".join(f"[{numbers[c]}]" for c in statement.citations)
            lines.append(f"  “{statement.text}” {marks}")
    if reply.citations:
        lines.append("")
        for number, citation in enumerate(reply.citations, 1):
            caution = f" ({citation.source.caution})" if citation.source.caution else ""
            where = f"{citation.source.id}:{citation.span.start}–{citation.span.end}"
            lines.append(f"[{number}] {citation.source.title}, {where}{caution}")
    lines += [f"→ {a.label}: {a.href}" for a in reply.actions]
    if reply.suggestions:
        lines += ["", wording.say(reply.locale, "page", "examples") + ":"]
        lines += [f"  - {s}" for s in reply.suggestions]
    lines += ["", "⚕ " + wording.notice_for(reply.kind, reply.locale, emergency).text]
    return "\n".join(lines).strip()


def by_theme(reply: Reply) -> list[tuple[str, list[Statement]]]:
    """Group consecutive statements of one theme; no headings where there is only one theme."""
    groups: list[tuple[str, list[Statement]]] = []
    for statement in reply.statements:
        if groups and groups[-1][0] == statement.theme:
            groups[-1][1].append(statement)
        else:
            groups.append((statement.theme, [statement]))
    return groups if len(groups) > 1 else [("", s) for _, s in groups]


def source_html(text: str, start: int | None = None, end: int | None = None) -> str:
    """Return a source's text as safe HTML, the passage marked with id `passage`."""
    if start is None or end is None or not 0 <= start < end <= len(text):
        return html.escape(text)
    before, passage, after = text[:start], text[start:end], text[end:]
    return f'{html.escape(before)}<mark id="passage">{html.escape(passage)}</mark>{html.escape(after)}'


SOURCE_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 0 auto; padding: 1rem }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere }}
mark {{ background: #ffe28a; color: #1a1a1a; padding: .1em 0; scroll-margin: 30vh }}
.about, .notice {{ border-left: .25rem solid #2f6f73; padding-left: .75rem; font-size: 1rem }}
</style></head><body>
<h1>{title}</h1>
<p class="about">{kind}{author}. {caution}</p>
<main class="text">{text}</main>
<p class="notice">{notice}</p>
</body></html>
"""


def source_page(
    source: Source, start: int | None, end: int | None, locale: str, emergency: str | None
) -> str:
    """Return a page of its own for a source, scrolled to the passage by its fragment."""
    return SOURCE_PAGE.format(
        title=html.escape(source.title),
        kind=html.escape(source.kind.capitalize()),
        author=html.escape(f", by {source.author}" if source.author else ""),
        caution=html.escape(source.caution or ""),
        text=source_html(source.text, start, end),
        notice=html.escape(wording.notice_for(Kind.ANSWER, locale, emergency).text),
    )
