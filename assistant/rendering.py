"""A reply → what a face shows: JSON for HTTP, text for the terminal and for what is copied.

The page's HTML is `markup`'s. So no face can forget the notice or a footnote.
"""

from typing import Any
from urllib.parse import quote, urlencode

from assistant import wording
from assistant.values import Citation, Reply, Statement


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


def passage_link(citation: Citation, **more: str) -> str:
    """Return the address that opens the source at the highlighted passage."""
    place = {"start": citation.span.start, "end": citation.span.end, **more}
    return f"/sources/{quote(citation.source.id)}?{urlencode(place)}#passage"


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
