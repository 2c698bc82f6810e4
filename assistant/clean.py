"""A visitor's text → the text that is read: normal form, nothing invisible, bounded length.

What was meant is not known here; nothing is corrected.
"""

import re
import unicodedata

from assistant.errors import RequestError

MAX_QUESTION = 2000
"""Characters, after cleaning."""
MAX_HISTORY = 10
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e01ef]"
)
MARKS = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u20d0-\u20ff])[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]+"
)
"""More than one stacked mark is decoration ("Zalgo"), not a language."""


def clean(text: str) -> str:
    """Return the text in NFC without control, invisible and direction characters.

    Raises:
        RequestError: 422, longer than `MAX_QUESTION` after cleaning.

    """
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates
    text = MARKS.sub(r"\1", INVISIBLE.sub("", text))
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    text = " ".join(text.split())
    if len(text) > MAX_QUESTION:
        raise RequestError(
            422,
            f"The question has {len(text)} characters; at most {MAX_QUESTION} are read. Shorten it.",
        )
    return text


def says_something(text: str) -> bool:
    """Tell whether there is a word in it at all."""
    return bool(re.search(r"[^\W\d_]{2,}", text))
