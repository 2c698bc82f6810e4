"""Which language a question is in: English, or one that replies can say kindly it is not.

py3langid (a maintained langid, no network) gives the language; short and misspelt English is
its weak side, so English function words and the words of the corpus outvote it. Triage never
asks here: red flags are looked for in every language.
"""

import re
from collections.abc import Collection as Words
from functools import cache
from typing import Any

SCRIPTS = {
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "zh": re.compile(r"[\u4e00-\u9fff\u3040-\u30ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
LATIN = ["en", "es", "fr", "pt", "de", "it", "nl", "pl", "tr", "sv", "ro", "cs", "da", "no", "fi"]
"""What the model chooses from when the letters are Latin."""
ENGLISH = frozenset(
    "the and is are was were does did do what how when where why which who will would can could "
    "should it its my your this that these those there with from for have has had not after before "
    "any get got i im ive me you they he she we be been if or but about of to in on at a an long "
    "much many hurt pain skin face needle bruise bruises swelling side effects safe normal still "
    "going away hi hello thanks thank bye ok okay yes please help".split()
)
READ = ("en", "es", "fr", "pt", "de", "it")
"""Languages in which banks hold more than a few messages; in others they would be guessed at."""
SURE = 0.7
"""Probability at which another language is believed: of 18,200 everyday English queries (CLINC)
one is then taken for another language, "merci beaucoup"."""


def language_of(text: str, known: Words[str] = frozenset()) -> str:
    """Return the ISO 639-1 code of the language, `en` where in doubt.

    `known` are further words that count as English here (the corpus's and the bank's).
    """
    letters = sum(c.isalpha() for c in text) or 1
    for code, script in SCRIPTS.items():
        if len(script.findall(text)) / letters > 0.3:
            return code
    words = re.findall(r"[^\W\d_]+", text.lower().replace("’", "'").replace("'", ""))
    if not words:
        return "en"
    share = sum(w in ENGLISH or w in known for w in words) / len(words)
    if share >= 0.5:
        return "en"
    code, probability = _identifier().classify(text)
    return str(code) if code != "en" and probability >= SURE else "en"


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LATIN)
    return identifier
