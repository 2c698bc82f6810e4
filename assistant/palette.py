"""Colours that can be read: contrast by WCAG 2.2, and what follows from one accent.

In: the one colour a clinic chooses. Out: the four that the widget and the page need. Source of
the formulas: WCAG 2.2, "relative luminance" and "contrast ratio".
"""

from dataclasses import dataclass

WHITE, BLACK = "#ffffff", "#000000"
LIGHT_SURFACE, DARK_SURFACE = "#ffffff", "#1c3335"
"""The lightest and the darkest ground that the accent's text stands on (dark: behind a footnote)."""
READABLE = 4.5
"""Contrast that text needs (success criterion 1.4.3)."""


@dataclass(frozen=True)
class Palette:
    """An accent for light and for dark surroundings, each with the text that stands on it."""

    accent: str
    on_accent: str
    accent_dark: str
    on_accent_dark: str


def palette(accent: str) -> Palette:
    """Return the colours that follow from an accent such as `#1f6f73`.

    Raises:
        ValueError: links in this colour could not be read on white.

    """
    ratio = contrast(accent, LIGHT_SURFACE)
    if ratio < READABLE:
        raise ValueError(
            f"contrast {ratio:.1f} on white, text needs {READABLE}; a darker shade of it: {_darker(accent)}"
        )
    dark = _lighter(accent)
    return Palette(accent, _on(accent), dark, _on(dark))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours `#rrggbb`, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in bytes.fromhex(colour[1:]))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _on(ground: str) -> str:
    return max(WHITE, BLACK, key=lambda text: contrast(text, ground))


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round(a + (b - a) * share) for a, b in pairs).hex()


def _lighter(accent: str) -> str:
    return _first_readable(accent, WHITE, DARK_SURFACE)


def _darker(accent: str) -> str:
    return _first_readable(accent, BLACK, LIGHT_SURFACE)


def _first_readable(accent: str, towards: str, ground: str) -> str:
    """Mix in white or black, a twentieth at a time, until the colour can be read on the ground."""
    mixed = (_mixed(accent, towards, step / 20) for step in range(21))
    return next(colour for colour in mixed if contrast(colour, ground) >= READABLE)
