"""The widget's two files as they are served, what it is told of its site, and its tag.

In: the files under `static/`, sites and wording. Out: bytes with their hashes, and text. The
launcher carries the address and the hash of the other file, so that a page that pins the launcher
pins both.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from pathlib import Path
from typing import Any

import rjsmin

from assistant import wording
from assistant.palette import palette
from assistant.service import Embedded
from assistant.sites import Site, Theme
from assistant.values import Kind

STATIC = Path(__file__).parent / "static"
BLANK = "const build={};"
"""What the launcher's text says where the server tells it of the other file."""
STYLES = re.compile(r"const STYLES=`[^`]*`")
LAUNCHER_LOCALES = ("en", "es", "pt", "fr", "de", "it", "ar")
"""Whose first words every visitor loads; a site in another has the button's label in its tag."""


@dataclass(frozen=True)
class Asset:
    """A file as it is served."""

    body: bytes

    @cached_property
    def version(self) -> str:
        """What its address carries, so that it may be cached for ever."""
        return hashlib.sha256(self.body).hexdigest()[:12]

    @cached_property
    def integrity(self) -> str:
        """The hash by which a page pins it (subresource integrity)."""
        return "sha256-" + base64.b64encode(hashlib.sha256(self.body).digest()).decode()


@cache
def assets() -> dict[str, Asset]:
    """Return the widget's files by path."""
    chat = Asset(_bare("widget-chat.js").encode())
    build = {
        "chat": f"/widget-chat.js?v={chat.version}",
        "integrity": chat.integrity,
        "texts": {
            locale: [wording.say(locale, "page", key) for key in ("ask", "not_loaded")]
            for locale in LAUNCHER_LOCALES
        },
    }
    text = _bare("widget.js")
    if text.count(BLANK) != 1:
        raise LookupError(f"widget.js must hold {BLANK!r} once")
    told = json.dumps(build, ensure_ascii=False, separators=(",", ":"))
    launcher = Asset(text.replace(BLANK, f"const build={told};").encode())
    return {"/widget.js": launcher, "/widget-chat.js": chat}


def _bare(name: str) -> str:
    """Read a script without what visitors need not load: comments, and spaces, also in its CSS."""
    text = rjsmin.jsmin((STATIC / name).read_text(encoding="utf-8"))
    return STYLES.sub(lambda styles: re.sub(r"\s*([{};,])\s*", r"\1", styles[0]), text)


def site_json(embedded: Embedded, wanted: str | None) -> dict[str, Any]:
    """Return what the widget is told of its site, in the visitor's locale."""
    site, assistant = embedded.site, embedded.engine.assistant
    replies, locale = assistant.replies, embedded.locale(wanted)
    notice, emergency = embedded.notice(Kind.ANSWER, locale), replies.emergency(locale)
    themes = assistant.decider.index.knowledge.themes
    return {
        "id": site.id,
        "locale": locale,
        "direction": wording.direction(locale),
        "name": site.name,
        "logo": site.logo,
        "greeting": embedded.greeting(locale),
        "suggestions": embedded.examples(),
        "covers": [{"title": theme.title, "question": theme.ask} for theme in themes],
        "actions": [{"label": a.label, "href": a.href} for a in replies.contact(locale)],
        "emergency": {"label": emergency.label, "href": emergency.href},
        "leave": site.leave,
        "keep": site.keep,
        "theme": theme_json(site.theme),
        "notice": {"text": notice.text, "version": notice.version},
        "texts": replies.labels(locale),
    }


def theme_json(theme: Theme) -> dict[str, Any]:
    """Return the look, the colours that follow from the accent among it."""
    return theme.model_dump() | vars(palette(theme.accent))


def tag(site: Site, url: str) -> str:
    """Return what a clinic's web person needs: the snippet, and the policy it works under."""
    launcher = assets()["/widget.js"]
    attributes = {
        "src": f"{url}/widget.js?v={launcher.version}",
        "integrity": launcher.integrity,
        "crossorigin": "anonymous",
        "referrerpolicy": "no-referrer",
        "data-site": site.id,
        **_look(site.theme),
    }
    if site.locale:
        attributes["data-locale"] = site.locale
        if site.locale.split("-")[0] not in LAUNCHER_LOCALES:
            attributes["data-label"] = wording.say(site.locale, "page", "ask")
    script = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    images = f"\n  img-src {'/'.join(site.logo.split('/')[:3])};" if site.logo else ""
    return f"""Paste this before </body>:

<script {script} defer></script>

If the site sends a Content-Security-Policy, add to it:

  script-src {url};
  connect-src {url};{images}
  trusted-types footnote;    (only if the policy has a trusted-types line)

Nothing is needed in style-src, font-src or frame-src.

`integrity` pins these very files: after an upgrade of the assistant that changes the widget,
print the tag again and replace it, or the browser will refuse the new file. Without `integrity`
and `?v=…` the tag always takes the current one.
"""


def _look(theme: Theme) -> dict[str, str]:
    """Return what the launcher must know before the rest is loaded, where it is not the usual."""
    usual = Theme()
    named = {
        "data-accent": theme.accent,
        "data-scheme": theme.scheme,
        "data-position": theme.position,
        "data-offset": f"{theme.offset_x} {theme.offset_y}",
    }
    plain = {
        "data-accent": usual.accent,
        "data-scheme": usual.scheme,
        "data-position": usual.position,
        "data-offset": f"{usual.offset_x} {usual.offset_y}",
    }
    return {name: value for name, value in named.items() if value != plain[name]}
