"""A reply → HTML for the page.

Everything of foreign origin is escaped here. Everything stands in one line, because the page's
Markdown takes a line that begins with a block tag as it is, up to the next blank one. Attributes
are those that its sanitiser leaves alone (no `aria-…`).
"""

import html
import re
from collections.abc import Iterator, Mapping

from assistant import wording
from assistant.rendering import by_theme, passage_link
from assistant.values import Citation, Disagreement, Kind, Reply, Statement

SAFE_HREF = re.compile(r"(?:https?|tel|mailto):", re.IGNORECASE)


def as_html(reply: Reply, emergency: str | None = None, site: str = "default") -> str:
    """Return a reply of a site for the page."""
    locale = reply.locale
    understood = reply.understood_as and wording.say(
        locale, "lead", "understood", question=reply.understood_as
    )
    urgent = reply.kind is Kind.URGENT
    inner = _alarm_html(reply) if urgent else _eyebrow(reply) + _paragraph("lead", reply.lead)
    actions = "" if urgent else _actions_html(reply)
    return _article(
        reply.kind.value,
        f"{_paragraph('understood', understood or '')}{inner}{_statements_html(reply)}"
        f"{actions}{_notes_html(reply, site)}",
        wording.notice_for(reply.kind, locale, emergency).text,
        locale,
    )


def trouble_html(text: str, notice: str, locale: str) -> str:
    """Return what stands in a reply's place where there is none: why, and the notice."""
    return _article(
        "trouble", f'<div role="alert">{_paragraph("lead", text)}</div>', notice, locale
    )


def stopped_html(text: str, notice: str, locale: str) -> str:
    """Return what stands in the place of a reply that was stopped: quietly, it was asked for."""
    return _article("trouble stopped", _paragraph("lead", text), notice, locale)


def welcome_html(text: str, locale: str) -> str:
    """Return the first message: no reply, so the notice below the question box is enough."""
    return _article("welcome", _paragraph("lead", text), "", locale)


def asked_html(question: str, locale: str) -> str:
    """Return a visitor's question for the page: as text, whatever was typed."""
    label = _escape(wording.say(locale, "page", "you_asked"))
    return (
        f'<div class="asked"><span class="sr">{label} </span>'
        f'<span class="said" dir="auto">{_escape(question)}</span></div>'
    )


def status_html(stage: str, locale: str) -> str:
    """Return what stands in the reply's place while it is made."""
    return _paragraph("working", wording.say(locale, "status", stage))


def _escape(text: str) -> str:
    """Escape HTML and keep the text in one line of source."""
    return re.sub(r"\r\n?|\n", "&#10;", html.escape(text))


def _article(kind: str, inner: str, notice: str, locale: str) -> str:
    return (
        f'<article class="reply {kind}" lang="{_escape(locale)}" dir="{wording.direction(locale)}">'
        f"{inner}{_paragraph('notice', notice)}</article>"
    )


def _eyebrow(reply: Reply) -> str:
    """Return in a few words what kind of reply this is, where it is no answer."""
    shown = reply.topic in ("personal", "not_covered")
    return _paragraph("eyebrow", wording.say(reply.locale, "page", reply.topic)) if shown else ""


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


def _notes_html(reply: Reply, site: str) -> str:
    """Return the footnotes; the id is inside the fold, so that a link to it opens it."""
    notes = "".join(_note(reply, n, c, site) for n, c in enumerate(reply.citations, 1))
    title = _escape(wording.say(reply.locale, "page", "sources"))
    return f'<div class="notes"><h2>{title}</h2>{notes}</div>' if notes else ""


def _note(reply: Reply, number: int, citation: Citation, site: str) -> str:
    source, locale = citation.source, reply.locale
    quoted = {statement.quoted for statement in reply.statements}
    kind = source.kind[:1].upper() + source.kind[1:]
    about = f"{kind}, {source.author}." if source.author else f"{kind}."
    caution = source.caution and f"{wording.say(locale, 'page', 'caution')}: {source.caution}"
    link = passage_link(citation, site=site, locale=locale)
    also = "" if citation in quoted else wording.say(locale, "page", "also_says")
    return (
        f'<details class="note"><summary><span class="number">[{number}]</span> '
        f'<bdi>{_escape(source.title)}</bdi></summary><div id="{_anchor(reply, number)}" class="body">'
        f"{_paragraph('about', about)}{_paragraph('caution', caution or '')}"
        f"{_paragraph('label', also)}"
        f'<blockquote><p dir="auto">“{_escape(citation.quote)}”</p></blockquote>'
        f'<p><a class="context" href="{_escape(link)}" target="_blank" rel="noopener">'
        f"{_escape(wording.say(locale, 'page', 'read_in_context'))}"
        f'<span class="sr tab"> ({_escape(wording.say(locale, "page", "new_tab"))})</span></a></p>'
        "</div></details>"
    )


def _anchor(reply: Reply, number: int) -> str:
    return f"note-{_escape(reply.id)}-{number}"
