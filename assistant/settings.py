"""What an operator turns: read once from the environment (`FOOTNOTE_…`) or `.env`.

A tunable that nobody should turn is a constant beside its use instead.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.errors import FootnoteError


class Settings(BaseSettings):
    """Every setting with its default; the README's table is generated from these descriptions."""

    model_config = SettingsConfigDict(env_prefix="FOOTNOTE_", env_file=".env", extra="ignore")

    corpus: Path = Field(Path("corpus"), description="folder of collections")
    collection: str = Field("mesotherapy", description="the collection that is served")
    index: Path = Field(Path("index"), description="folder of the index")
    chroma_url: str | None = Field(
        None, description="a Chroma server that holds the index, for several workers or machines"
    )
    encoder: str = Field(
        "bundled",
        description="`bundled` (all-MiniLM-L6-v2), or a sentence-transformers name/folder",
    )
    encoder_multilingual: bool = Field(
        False, description="the encoder reads other languages than English: answer those too"
    )
    encoder_backend: Literal["onnx", "torch"] = Field(
        "onnx",
        description="`torch` serves with sentence-transformers itself (slower, the reference)",
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(7860, ge=0, le=65535, description="port to listen on")
    locale: str = Field("en", description="locale when the visitor's is unknown")
    emergency_number: str | None = Field(
        None, description="number on the emergency card; unset: by locale (911, 112, …)"
    )
    crisis_number: str | None = Field(
        None, description="crisis line for suicidal visitors; unset: by locale, if the other is too"
    )
    clinic_name: str | None = Field(None, description="as the replies call the clinic")
    clinic_phone: str | None = Field(None, description="number offered where a person must help")
    clinic_url: str | None = Field(None, description="contact or booking page")
    sites: Path | None = Field(
        None, description="TOML file of the sites that embed the widget; docs/widget.md"
    )
    url: str | None = Field(
        None,
        description="address at which browsers reach the server, such as https://ask.clinic.example",
    )
    proxies: str = Field(
        "", description="addresses of proxies whose X-Forwarded-For is believed, with commas"
    )
    limits: str = Field(
        "memory://",
        description="where questions are counted for the limits: memory, or redis://HOST:6379",
    )
    database: str = Field(
        "sqlite:///footnote-feedback.db", description="SQLAlchemy address for feedback"
    )
    page: bool = Field(True, description="serve the Gradio page at /")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="log level")


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` (command-line flags) win where they are not None.

    Raises:
        FootnoteError: a value does not fit; the message names the variable and the value.

    """
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "FOOTNOTE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise FootnoteError(f"{name}={first['input']!r}: {first['msg']}. Set it right.") from None
