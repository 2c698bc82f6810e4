"""What stands around Gradio: head, bar, what can be asked about, the reader of the sources.

In: Gradio's document and the address's `site` and `locale`, which are only looked up. Out: our
document, in that site's name and in that language from its first byte on. As plain HTML it needs
neither Gradio's components nor its sanitiser, and stands before they do.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from urllib.parse import urlencode

from assistant import wording
from assistant.palette import palette
from assistant.service import Embedded, Service
from assistant.sites import DEFAULT
from assistant.values import Kind
from assistant.visit import arrive

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='8' fill='%23{colour}'/%3E%3Cpath d='M9 7H6v18h3M23 7h3v18h-3"
    "M14 12l3-2v12' fill='none' stroke='white' stroke-width='2.5'/%3E%3C/svg%3E"
)
GRADIO_HEAD = re.compile(
    r'<meta\s+(?:property="og|name="twitter)[^>]*>|<base [^>]*>|<link rel="manifest"[^>]*>'
    r"|<script>(?:(?!</script>).)*iframeResizer(?:(?!</script>).)*</script>",
    re.DOTALL,
)
"""What Gradio's document says about itself, and its frame resizer, which the page never uses."""
TITLE = "%TITLE%"
"""What Gradio takes for the page's title, until the real one is written."""
TOLD = (
    "conversation", "copied", "copy", "done", "failed", "feedback_thanks", "footnote", "helpful",
    "not_helpful", "offline", "saved_on", "searching", "title",
)  # fmt: skip
"""The texts that the scripts need."""
STYLE = (
    ":root{{--accent:{accent};--on-accent:{on_accent}}}"
    "@media (prefers-color-scheme:dark){{:root{{--accent:{accent_dark};--on-accent:{on_accent_dark}}}}}"
)


def document(gradio: str, service: Service, query: Mapping[str, str]) -> str:
    """Return Gradio's document as ours."""
    around = _Around(*arrive(service, query))
    direction = wording.direction(around.locale)
    text = GRADIO_HEAD.sub("", gradio)
    text = text.replace(json.dumps(TITLE), _json(around.say["title"]), 1)
    text = text.replace('lang="en"', f'lang="{around.locale}" dir="{direction}"', 1)
    text = text.replace("</head>", f"{around.head()}</head>", 1)
    text = text.replace("<gradio-app", f"{around.before()}<gradio-app", 1)
    return text.replace("</gradio-app>", f"</gradio-app>{around.after()}", 1)


@dataclass(frozen=True)
class _Around:
    """The parts, for one site in one locale."""

    here: Embedded
    locale: str

    @cached_property
    def say(self) -> dict[str, str]:
        """The texts."""
        return self.here.engine.assistant.replies.labels(self.locale)

    def head(self) -> str:
        """Return title, look and scripts."""
        accent = self.here.site.theme.accent
        style = STYLE.format(**vars(palette(accent)))
        icon = ICON.format(colour=accent.removeprefix("#"))
        told = {"locale": self.locale} | {key: self.say[key] for key in TOLD}
        return (
            f"<title>{escape(self.say['title'])}</title>"
            f'<meta name="robots" content="noindex"><link rel="icon" href="{icon}">'
            f'<link rel="stylesheet" href="/page.css"><style>{style}</style>'
            f'<script type="application/json" id="texts">{_json(told)}</script>'
            '<script src="/page.js" defer></script><script src="/reader.js" defer></script>'
        )

    def before(self) -> str:
        """Return what comes before the conversation."""
        notice = escape(self.here.notice(Kind.ANSWER, self.locale).text)
        return (
            f"{self._bar()}"
            f'<section id="intro" aria-labelledby="title"><h1 id="title">{self._text("title")}</h1>'
            f'<p class="tagline">{self._text("tagline")}</p>'
            f'<div class="folds">{self._covers()}{self._languages()}{self._more()}</div></section>'
            f'<div id="waiting" role="region" aria-labelledby="title"><p>{self._text("loading")}</p>'
            f"<noscript><p>{self._text('noscript')}</p></noscript><p>{notice}</p></div>"
        )

    def after(self) -> str:
        """Return what comes after it: the reader, and what is said to those who listen."""
        buttons = "".join(
            f'<button type="button" id="{name}" aria-label="{self._text(name)}" '
            f'title="{self._text(name)}"></button>'
            for name in ("previous", "next")
        )
        return (
            '<aside id="reader" aria-labelledby="reader-title" hidden><div class="head">'
            f'<h2 id="reader-title" tabindex="-1">{self._text("reader")} <span></span></h2>'
            f'{buttons}<button type="button" id="back">{self._text("back")}</button></div>'
            f'<p class="none">{self._text("reader_empty")}</p>'
            f'<iframe name="reader" title="{self._text("reader")}" hidden></iframe></aside>'
            '<p id="announce" class="sr" role="status"></p>'
            '<div id="trouble" role="alert" hidden><p></p>'
            f'<button type="button">{self._text("retry")}</button></div>'
        )

    def _text(self, key: str) -> str:
        return escape(self.say[key])

    def _bar(self) -> str:
        site = self.here.site
        call = self.here.engine.assistant.replies.emergency(self.locale)
        leave = (
            f'<button type="button" id="leave" data-to="{escape(site.leave)}" '
            f'aria-keyshortcuts="Shift+Escape">{self._text("leave")}</button>'
            if site.leave
            else ""
        )
        return (
            f'<header id="bar"><p class="brand">{escape(site.name or "Footnote")}</p>'
            f'<a class="call" href="{escape(call.href)}">{escape(call.label)}</a>{leave}</header>'
        )

    def _covers(self) -> str:
        themes = self.here.engine.assistant.decider.index.knowledge.themes
        asks = "".join(
            f'<li><button type="button" data-ask="{escape(t.ask)}" dir="auto">{escape(t.title)}'
            "</button></li>"
            for t in themes
        )
        return _fold("covers", self._text("covers"), asks) if asks else ""

    def _languages(self) -> str:
        language = self.locale.split("-", maxsplit=1)[0]
        links = "".join(self._language(other, language) for other in wording.locales())
        own = escape(wording.raw(language, "language") or language)
        return _fold("language", f"{self._text('language')}: {own}", links)

    def _language(self, locale: str, current: str) -> str:
        site = {} if self.here.site.id == DEFAULT else {"site": self.here.site.id}
        address = escape(f"/?{urlencode({**site, 'locale': locale})}")
        is_current = ' aria-current="true"' if locale == current else ""
        own = escape(wording.raw(locale, "language") or locale)
        return f'<li><a href="{address}" lang="{locale}" hreflang="{locale}"{is_current}>{own}</a></li>'

    def _more(self) -> str:
        contact = self.here.engine.assistant.replies.contact(self.locale)
        links = "".join(
            f'<li><a href="{escape(a.href)}">{escape(a.label)}</a></li>' for a in contact
        )
        buttons = "".join(
            f'<li><button type="button" id="{name}" disabled>{self._text(name)}</button></li>'
            for name in ("copy", "save", "print")
        )
        return _fold("more", self._text("more"), links + buttons)


def _fold(name: str, title: str, items: str) -> str:
    return f'<details id="{name}"><summary>{title}</summary><ul>{items}</ul></details>'


def _json(value: object) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
