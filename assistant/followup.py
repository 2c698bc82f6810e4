"""Follow-ups: which texts a question could stand for, given what was talked about.

"How long does it last?" after bruising may mean "how long does the bruising last?". This module
proposes such readings; they are decided together with the question by itself, each having a
vote (docs/decisions/006). It knows words and earlier questions, no vectors and no answers.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from assistant.bank import Theme


class Meta(Enum):
    """A question about the last answer rather than about the sources."""

    WHICH_SOURCE = "which_source"
    SIMPLER = "simpler"
    SUMMARY = "summary"


@dataclass(frozen=True)
class Topic:
    """What the conversation is about: the last question as understood, and its nouns."""

    question: str
    nouns: tuple[str, ...]
    """As named in the question, then as the quoted theme is called."""


META = {
    Meta.WHICH_SOURCE: re.compile(
        r"\b(?:which|what|whose)\b.{0,12}\b(?:source|text|article|document|page|site|reference|study|book)s?\b"
        r".{0,30}\b(?:say|says|said|is|was|from|that|this|it|did|do)\b"
        r"|\bwhere (?:does|did|do|is|was|have|are)\b.{0,15}\b(?:it|that|this|you|they)\b.{0,12}"
        r"\b(?:say|said|written|come|from|get|got|read|stand)\b"
        r"|\b(?:source|citation|reference)s? ?(?:please|pls|for that|for this)?\s*\?*$"
        r"|\bwho (?:says|said|wrote) (?:so|that|this|it)\b|\bsays who\b|\bwho says\b"
        r"|^(?:(?:but|so|ok|and|wait|hm+)\b[\s,]*)?(?:(?:are|r) )?(?:you|u)(?:'re| are)? (?:really |quite |100% )?"
        r"(?:sure|certain|positive)(?: (?:about|of) (?:that|this|it))?\W*$"
        r"|^(?:really|is (?:that|this) (?:really )?(?:true|right|correct|so)|honestly|for real|seriously|no way)\W*$"
        r"|\bshow me (?:the|your) (?:source|passage|text)",
        re.IGNORECASE,
    ),
    Meta.SIMPLER: re.compile(
        r"\b(?:simpl(?:er|y|ify)|plain(?:er)? (?:english|words|language)|easier (?:words|to)|"
        r"in (?:easy|simple|other|normal|plain|everyday) (?:words|terms|english|language)|"
        r"dumb it down|like i'?m (?:five|5|ten|10|a child)|i (?:don'?t|do not|didn'?t) (?:understand|get) "
        r"(?:it|that|this|what you)|less (?:complicated|jargon)|what does that mean|"
        r"(?:explain|say|put) (?:it|that|this) (?:again|differently|shorter))\b",
        re.IGNORECASE,
    ),
    Meta.SUMMARY: re.compile(
        r"\b(?:summar(?:y|ise|ize)|sum (?:it|that|this|all|everything)|recap|tl;?dr|in short|"
        r"in a nutshell|in (?:one|two|three|a few) (?:lines?|sentences?|words)|short(?:er)? version|shorter|key points|main points|bottom line)\b",
        re.IGNORECASE,
    ),
}
CORRECTION = re.compile(
    r"^(?:(?:no+|nope|nah|sorry|oops|wait|actually|hm+|oh)\b[\s,.!-]*)*"
    r"(?:(?:i|what i) (?:actually |really )?(?:meant|mean|was asking about|was talking about|am talking about)"
    r"|not (?:the |about |that )?[\w ]{3,25}?,? (?:but|i meant|i mean|rather)"
    r"|(?:i )?(?:meant|mean) to (?:ask|say)|make that)\b[\s,:-]*(?:about |is |was )?",
    re.IGNORECASE,
)
PREFIX_NO = re.compile(
    r"^(?:no+|nope|nah|sorry|oops)\b[\s,.!-]+(?=(?:the|about|for)\b)", re.IGNORECASE
)
RETURN = re.compile(
    r"^(?:ok(?:ay)?\b[\s,]*)?(?:and |so |but )?(?:(?:going |coming |getting |let'?s go )?back to|returning to|"
    r"as for|about|regarding|concerning)\b\s*",
    re.IGNORECASE,
)
OPENING = re.compile(
    r"^(?:ok(?:ay)?|and|but|so|or|also|then|well|hm+|what about|how about|and what about|what if|"
    r"same (?:for|with)|even|only|just|for|in|on|with|without|after|before|during)\b[\s,]*",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"\b(?:(?:is|are|was|were|does|do|did|can|could|will|would|should|may|might|has|have|"
    r"of|for|with|from|about|against|after|before|during|by|on|to|than|like|if|when|why|how|because|"
    r"makes?|causes?|treat|get|getting|have|having|avoid|reduce|prevent|stop|help)\s+)"
    r"(?P<pronoun>it|this|that|they|them|these|those)\b(?!\s+(?:true|normal that|possible to|ok to|safe to|a)\b)",
    re.IGNORECASE,
)
LONG = 12
"""A question of so many words says itself what it is about."""


class FollowUps:
    """Reads follow-ups with the themes of one collection."""

    def __init__(self, themes: Sequence[Theme]) -> None:
        pairs = [(term.lower(), theme) for theme in themes for term in theme.terms]
        pairs.sort(key=lambda pair: -len(pair[0]))
        self.noun = {theme.id: theme.noun for theme in themes}
        self.theme_of = dict(pairs)
        self.terms = _any_of(term for term, _ in pairs)

    def meta(self, question: str) -> Meta | None:
        """Return what a question wants to know about the last answer, if that is what it wants."""
        if len(question.split()) > 16:
            return None
        for meta, pattern in META.items():
            if pattern.search(question) and not (
                meta is not Meta.WHICH_SOURCE and self._terms_in(question)
            ):
                return meta
        return None

    def topic(self, question: str, theme: str | None) -> Topic:
        """Return what a question that was answered leaves as the topic."""
        named = self._terms_in(question)
        nouns = [f"the {named[-1].group()}"] if named else []
        nouns.append(self.noun.get(theme or "", ""))
        return Topic(question, tuple(dict.fromkeys(noun for noun in nouns if noun)))

    def readings(self, question: str, topic: Topic) -> list[str]:
        """Return what the question may stand for after the topic, the likeliest first.

        Nothing for a long question: it says what it is about.
        """
        if len(question.split()) >= LONG:
            return []
        found = [self._bind(question, noun) for noun in topic.nouns]
        found.append(f"{topic.question.rstrip(' ?.!')}. {question}")
        corrected = CORRECTION.sub("", question) if CORRECTION.match(question) else ""
        corrected = corrected or (PREFIX_NO.sub("", question) if PREFIX_NO.match(question) else "")
        returned = RETURN.sub("", question) if RETURN.match(question) else ""
        rest = (corrected or returned or question).strip(" ?.!,")
        opening = OPENING.match(rest)
        body = rest[opening.end() :].strip(" ?.!,") if opening else rest
        named = self._terms_in(body)
        if named and (corrected or opening or returned):
            bare = len(self.terms.sub("", body).split()) <= 2
            found.insert(0, self._swap(topic, body, named[-1].group()) if bare else rest)
        return list(dict.fromkeys(text for text in found if text != question))

    def _bind(self, question: str, noun: str) -> str:
        """Put the noun where the pronoun stands, or behind the question."""
        pronoun = PRONOUN.search(question)
        if pronoun is None:
            return f"{question.rstrip(' ?.!')}: {noun}?"
        start, end = pronoun.span("pronoun")
        return f"{question[:start]}{noun}{question[end:]}"

    def _swap(self, topic: Topic, body: str, term: str) -> str:
        """Ask the last question of another topic: "how long does X last?"."""
        before = self._terms_in(topic.question)
        if not before:
            return f"{topic.question.rstrip(' ?.!')}: {body}?"
        first = before[0]
        words = body if len(body.split()) <= 3 else term
        words = re.sub(r"^(?:the|a|my)\s+", "", words, flags=re.IGNORECASE)
        return f"{topic.question[: first.start()]}{words}{topic.question[first.end() :]}"

    def _terms_in(self, text: str) -> list[re.Match[str]]:
        return list(self.terms.finditer(text))


def _any_of(terms: Iterable[str]) -> re.Pattern[str]:
    joined = "|".join(re.escape(term) for term in terms)
    return re.compile(rf"\b(?:{joined})\b" if joined else r"(?!)", re.IGNORECASE)
