"""A reply → what each face shows: JSON for HTTP, Markdown for the page, text for the terminal.

One place, so that no face can forget the notice or a footnote. Everything of foreign origin is
escaped here.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from assistant import wording
from assistant.values import Citation, Disagreement, Kind, Reply, Source, Statement


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


SAFE_HREF = re.compile(r"(?:https?|tel|mailto):", re.IGNORECASE)


def as_html(reply: Reply, emergency: str | None = None) -> str:
    """Return the reply for the page, as one line of HTML.

    One line, because the page's Markdown takes a line that begins with a block tag as it is, up
    to the next blank one. Attributes are those that its sanitiser leaves alone (no `aria-…`).
    """
    locale = reply.locale
    understood = reply.understood_as and wording.say(
        locale, "lead", "understood", question=reply.understood_as
    )
    notice = wording.notice_for(reply.kind, locale, emergency).text
    inner = _alarm_html(reply) if reply.kind is Kind.URGENT else _paragraph("lead", reply.lead)
    return (
        f'<article class="reply {reply.kind.value}" lang="{_escape(locale)}" '
        f'dir="{_escape(wording.raw(locale, "direction") or "ltr")}">'
        f"{_paragraph('understood', understood or '')}{inner}{_statements_html(reply)}"
        f"{_actions_html(reply) if reply.kind is not Kind.URGENT else ''}{_notes_html(reply)}"
        f"{_paragraph('notice', notice)}</article>"
    )


def asked_html(question: str, locale: str) -> str:
    """Return a visitor's question for the page: as text, whatever was typed."""
    label = _escape(wording.say(locale, "page", "you_asked"))
    asked = _escape(question)
    return f'<div class="asked" dir="auto"><span class="sr">{label} </span>{asked}</div>'


def heading_html(name: str, title: str, tagline: str) -> str:
    """Return the head of the page."""
    return (
        f"<div>{_paragraph('brand', name)}<h1>{_escape(title)}</h1>"
        f"{_paragraph('tagline', tagline)}</div>"
    )


def status_html(stage: str, locale: str) -> str:
    """Return what stands in the reply's place while it is made."""
    return _paragraph("working", wording.say(locale, "status", stage))


def _escape(text: str) -> str:
    """Escape HTML and keep the text in one line of source."""
    return re.sub(r"\r\n?|\n", "&#10;", html.escape(text))


def _paragraph(kind: str, text: str) -> str:
    return f'<p class="{kind}">{_escape(text)}</p>' if text else ""


def _alarm_html(reply: Reply) -> str:
    """Return the emergency card: the number as a button before anything that takes reading."""
    title = wording.say(reply.locale, "urgent", "title")
    lead = reply.lead.removeprefix(f"{title}. ")
    return (
        f'<div class="alarm" role="alert"><h2>{_escape(title)}</h2>'
        f"{_actions_html(reply)}{_paragraph('lead', lead)}</div>"
    )


def _actions_html(reply: Reply) -> str:
    links = "".join(
        f'<a class="action" href="{_escape(a.href)}">{_escape(a.label)}</a>'
        for a in reply.actions
        if SAFE_HREF.match(a.href)
    )
    return f'<p class="actions">{links}</p>' if links else ""


def _statements_html(reply: Reply) -> str:
    """Return the quotations by theme, both sides of a disagreement as a pair."""
    numbers = {citation: n for n, citation in enumerate(reply.citations, 1)}
    parts: list[str] = []
    shown: set[int] = set()
    for heading, statements in by_theme(reply):
        inner = "".join(
            part
            for statement in statements
            for part in _once(reply, reply.statements.index(statement), numbers, shown)
        )
        if inner and heading:
            parts.append(f'<h2 class="theme">{_escape(heading)}</h2>')
        parts.append(inner)
    return "".join(parts)


def _once(
    reply: Reply, index: int, numbers: Mapping[Citation, int], shown: set[int]
) -> Iterator[str]:
    """Yield a statement, or the pairs that it belongs to, unless they stand already."""
    pairs = [d for d in reply.disagreements if any(index in side for side in d.sides)]
    if not pairs and index not in shown:
        yield _quotation(reply, reply.statements[index], numbers)
    for pair in pairs:
        members = {i for side in pair.sides for i in side}
        if index not in shown or not members <= shown:
            shown |= members
            yield _pair(reply, pair, numbers)
    shown.add(index)


def _pair(reply: Reply, pair: Disagreement, numbers: Mapping[Citation, int]) -> str:
    """Return both sides of a disagreement; the reply's lead says what about if there is one."""
    about = pair.about[:1].upper() + pair.about[1:] if len(reply.disagreements) > 1 else ""
    sides = ""
    for n, side in enumerate(sorted(pair.sides), 1):
        label = _paragraph("label", wording.say(reply.locale, "page", "side", number=str(n)))
        quoted = (_quotation(reply, reply.statements[i], numbers, cite=True) for i in side)
        sides += f'<div class="side">{label}{"".join(quoted)}</div>'
    return f'<div class="pair">{_paragraph("about", about)}<div class="sides">{sides}</div></div>'


def _quotation(
    reply: Reply, statement: Statement, numbers: Mapping[Citation, int], *, cite: bool = False
) -> str:
    before, _, after = wording.say(reply.locale, "page", "footnote", number="\0").partition("\0")
    marks = "".join(
        f'<a class="mark" href="#{_anchor(reply, n)}"><span class="sr">{_escape(before)}</span>'
        f'[{n}]<span class="sr">{_escape(after)}</span></a>'
        for n in (numbers[citation] for citation in statement.citations)
    )
    title = f'<cite dir="auto">{_escape(statement.quoted.source.title)}</cite>' if cite else ""
    quote = f'<p dir="auto">“{_escape(statement.text)}”&nbsp;{marks}</p>'
    return f"<blockquote>{quote}{title}</blockquote>"


def _notes_html(reply: Reply) -> str:
    """Return the footnotes; the id is inside the fold, so that a link to it opens it."""
    notes = "".join(_note(reply, n, citation) for n, citation in enumerate(reply.citations, 1))
    title = _escape(wording.say(reply.locale, "page", "sources"))
    return f'<div class="notes"><h2>{title}</h2>{notes}</div>' if notes else ""


def _note(reply: Reply, number: int, citation: Citation) -> str:
    source, locale = citation.source, reply.locale
    quoted = {statement.quoted for statement in reply.statements}
    kind = source.kind[:1].upper() + source.kind[1:]
    about = f"{kind}, {source.author}." if source.author else f"{kind}."
    caution = source.caution and f"{wording.say(locale, 'page', 'caution')}: {source.caution}"
    also = "" if citation in quoted else wording.say(locale, "page", "also_says")
    return (
        f'<details class="note"><summary><span class="number">[{number}]</span> '
        f'<bdi>{_escape(source.title)}</bdi></summary><div id="{_anchor(reply, number)}" class="body">'
        f"{_paragraph('about', about)}{_paragraph('caution', caution or '')}"
        f"{_paragraph('label', also)}"
        f'<blockquote><p dir="auto">“{_escape(citation.quote)}”</p></blockquote>'
        f'<p><a href="{_escape(passage_link(citation))}" target="_blank" rel="noopener">'
        f"{_escape(wording.say(locale, 'page', 'read_in_context'))}"
        f'<span class="sr"> ({_escape(wording.say(locale, "page", "new_tab"))})</span></a></p>'
        "</div></details>"
    )


def _anchor(reply: Reply, number: int) -> str:
    return f"note-{_escape(reply.id)}-{number}"


def source_html(text: str, start: int | None = None, end: int | None = None) -> str:
    """Return a source's text as safe HTML, the passage marked with id `passage`."""
    if start is None or end is None or not 0 <= start < end <= len(text):
        return html.escape(text)
    before, passage, after = text[:start], text[start:end], text[end:]
    return (
        f'{html.escape(before)}<mark id="passage">{html.escape(passage)}</mark>{html.escape(after)}'
    )


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
