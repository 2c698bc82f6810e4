"""Where the assistant is embedded: one table of a TOML file for each site of a clinic.

In: the file that `FOOTNOTE_SITES` names, and the settings for what it leaves open. Out: frozen
sites. A mistake is refused with its line and what to write instead. The site `default` is the
assistant's own page, `demo` the page at /demo; they exist without a file and take what the
settings say.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant import wording
from assistant.errors import FootnoteError
from assistant.palette import palette
from assistant.settings import Settings
from assistant.values import Clinic

DEFAULT = "default"
DEMO = "demo"
FICTION = {"id": DEMO, "name": "Linden Skin Clinic", "phone": "+1 555 0100", "url": None}
"""The clinic of the demonstration, which nobody can reach."""
EXAMPLES = {
    "phone": "+1 555 0100",
    "emergency_number": "112",
    "crisis_number": "116 123",
    "font": "Georgia, serif",
}
"""What is shown for a key whose value has the wrong form."""
SITE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def _origin(text: str) -> str:
    """Take an origin as browsers send it: scheme, host, port if it is not the usual one."""
    parts = urlsplit(text)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    try:
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        host = ""
    if not host or usual is None or "*" in text:
        raise ValueError('not an origin; write one such as "https://www.clinic.example"')
    host = f"[{host}]" if ":" in host else host
    exact = f"{parts.scheme}://{host}{f':{port}' if port not in (None, usual) else ''}"
    if text != exact:
        raise ValueError(f'browsers send it as "{exact}"; write that')
    return text


def _limit(text: str) -> str:
    try:
        parse_many(text)
    except ValueError:
        raise ValueError('not a limit; write one such as "20/minute;200/hour"') from None
    return text


def _accent(text: str) -> str:
    colour = text.lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", colour):
        raise ValueError('not a colour; write one such as "#1f6f73"')
    palette(colour)
    return colour


def _locale(text: str) -> str:
    if wording.match_locale(text, text).split("-")[0] != text.lower().split("-")[0]:
        raise ValueError(f"no such locale; there are {', '.join(wording.locales())}")
    return text


def _address(text: str) -> str:
    if not re.match(r"https?://[^\s/]+", text):
        raise ValueError('not a web address; write one that begins with "https://"')
    return text


Origin = Annotated[str, AfterValidator(_origin)]
Limit = Annotated[str, AfterValidator(_limit)]
Accent = Annotated[str, AfterValidator(_accent)]
Locale = Annotated[str, AfterValidator(_locale)]
WebAddress = Annotated[str, AfterValidator(_address)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ()./-]{1,24}$")]
ShortNumber = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 -]{1,14}$")]
Pixels = Annotated[int, Field(ge=0, le=200)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Theme(_Table):
    """How the widget looks; lengths in CSS pixels."""

    accent: Accent = "#1f6f73"
    scheme: Literal["auto", "light", "dark"] = "auto"
    font: Annotated[str, Field(pattern=r"^[\w\s,'\"-]+$", max_length=200)] = "system-ui, sans-serif"
    radius: Annotated[int, Field(ge=0, le=32)] = 14
    position: Literal["left", "right"] = "right"
    offset_x: Pixels = 20
    offset_y: Pixels = 20
    width: Annotated[int, Field(ge=280, le=800)] = 400
    height: Annotated[int, Field(ge=320, le=1000)] = 640


class Limits(_Table):
    """How many questions are answered; in the notation of the `limits` library."""

    address: Limit = "30/minute;300/hour"
    site: Limit = "600/minute"


class Site(_Table):
    """A site of a clinic: who may embed the assistant, and as whose it speaks."""

    id: str
    origins: tuple[Origin, ...] = ()
    collection: str | None = None
    locale: Locale | None = None
    name: str | None = None
    logo: WebAddress | None = None
    greeting: Annotated[str, Field(max_length=300)] | None = None
    phone: Phone | None = None
    url: WebAddress | None = None
    booking: WebAddress | None = None
    emergency_number: ShortNumber | None = None
    crisis_number: ShortNumber | None = None
    leave: WebAddress | None = None
    keep: bool = False
    theme: Theme = Theme()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _logo_is_the_sites_own(self) -> Self:
        parts = urlsplit(self.logo or "")
        if self.logo and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            raise ValueError(
                f"logo {self.logo!r} is on none of the site's origins, so visitors' browsers "
                "would ask a third party; put it on the site"
            )
        return self

    @property
    def clinic(self) -> Clinic:
        """Who answers for what is said here."""
        return Clinic(
            self.name,
            self.phone,
            self.url,
            self.emergency_number,
            self.booking,
            self.crisis_number,
        )


def default_site(settings: Settings) -> Site:
    """Return the site that exists without a file: the assistant's own page."""
    return Site(
        id=DEFAULT,
        name=settings.clinic_name,
        phone=settings.clinic_phone,
        url=settings.clinic_url,
        emergency_number=settings.emergency_number,
        crisis_number=settings.crisis_number,
        collection=settings.collection,
    )


def read_sites(settings: Settings) -> Mapping[str, Site]:
    """Read the sites, by id, `default` among them.

    Raises:
        FootnoteError: the file cannot be read or holds a mistake; names line and remedy.

    """
    try:
        default = default_site(settings)
        sites = {DEFAULT: default, DEMO: default.model_copy(update=FICTION)}
    except ValidationError as error:
        key, value, problem = _first(error)
        variable = (
            "FOOTNOTE_" + ("" if key[-1].endswith("_number") else "CLINIC_") + key[-1].upper()
        )
        raise FootnoteError(f"{variable}={value!r}: {problem}. Set it right.") from None
    if settings.url is not None:
        try:
            _origin(settings.url)
        except ValueError as error:
            raise FootnoteError(f"FOOTNOTE_URL={settings.url!r}: {error}.") from None
    path = settings.sites
    if path is None or path == Path():  # set, to nothing
        return sites
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        raise FootnoteError(f"No file {path}. Mend FOOTNOTE_SITES or write it.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FootnoteError(f"{path}: {error}. Mend it.") from None
    for name, table in tables.items():
        sites[name] = _site(path, text, name, table, default)
    return sites


def _site(path: Path, text: str, name: str, table: Any, default: Site) -> Site:
    if not SITE_ID.fullmatch(name) or not isinstance(table, dict) or "id" in table:
        raise FootnoteError(
            f"{path}, line {_line(text, (name,))}: {name!r} is no site; begin one with [clinic-name]: "
            "small letters, digits and hyphens."
        )
    given = default.model_dump(exclude_defaults=True)
    try:
        site = Site.model_validate({**given, **table, "id": name})
    except ValidationError as error:
        where, value, problem = _first(error)
        key = ".".join((name, *where))
        shown = f" = {value!r}" if where else ""
        line = _line(text, (name, *where))
        raise FootnoteError(f"{path}, line {line}: {key}{shown}: {problem}. Mend it.") from None
    if name != DEFAULT and not site.origins:
        raise FootnoteError(
            f"{path}, line {_line(text, (name,))}: {name} has no origins, so no page could use it. "
            'Add: origins = ["https://www.clinic.example"]'
        )
    return site


def _first(error: ValidationError) -> tuple[tuple[str, ...], Any, str]:
    """Return where the first mistake is, the value, and what is wrong with it."""
    found = error.errors()[0]
    where = tuple(str(part) for part in found["loc"] if isinstance(part, str))
    problem = found["msg"].removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        tables: dict[str, type[_Table]] = {"theme": Theme, "limits": Limits}
        known = [k for k in tables.get(where[0], Site).model_fields if k != "id"]
        problem = f"no such key; there are {', '.join(known)}"
    elif found["type"] == "string_pattern_mismatch":
        problem = f"must look like {EXAMPLES[where[-1]]!r}"
    return where, found["input"], problem


def _line(text: str, where: tuple[str, ...]) -> int:
    """Return the line of a key, or of the nearest table around it; lines count from 1."""
    table: tuple[str, ...] = ()
    best = 1
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            path = table
        elif key := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            path = (*table, *(part.strip("\"'") for part in key[1].split(".")))
        else:
            continue
        shared = len(path) if path == where[: len(path)] else 0
        if shared > depth:
            best, depth = number, shared
    return best
