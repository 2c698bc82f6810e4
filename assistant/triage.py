"""Red flags: does a message describe an emergency that is happening now?

In: whatever a visitor wrote, in any language, already cleaned (NFC, no control characters).
Out: a `RedFlag`, or None. Pure and deterministic; the work grows linearly with the text.

What counts as a red flag is not decided here but in `redflags/<language>.toml`, which a
clinician can read and change. All languages are always tried: nothing may be missed because a
language was guessed wrongly.

It does not know who is asking, what was said before or what the sources say, and None does not
mean that a message is harmless: it means that no reviewed pattern matched.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from assistant.rulebook import CJK, ORDER, Node, Rule, Rulebook, fold, rulebook, spell

# Words that may stand between two steps of a rule.
GAPS = {"~": 0, ">": 3, ">>": 8, "+": 4, "++": 9}
COMMAS = ",，、،"
ASKING = "?？؟"
LONGEST = 8  # words in a phrase
MOST = 40  # matches of one rule in one sentence; only a text made to be slow has more
VETO_REACH = 6  # words around a match in which `unless` counts
LIST_REACH = 10  # "no fever, chills, redness or trouble breathing"
NEAR_MATCH = 2  # words before a match that still belong to its statement
OPENING = 8  # words in which a sentence says when its story happened
FRAGMENT = 2  # "My throat. It closes up": so few words are read with the next sentence

TOKEN = re.compile(rf"\d+(?:[.,]\d+)?|[{CJK}]|[^\W\d_{CJK}]+|[{COMMAS}]|[.!?;\n。！？；؟؛…]+")

Span = tuple[int, int]  # first word, one past the last
Found = dict[int, list[Span]]  # phrase number -> where it occurs, in order
Match = tuple[Span, ...]  # one span for each step of a rule
Story = dict[tuple[str, str], bool]  # (language, "past" or "general") -> still being told


@dataclass(frozen=True)
class RedFlag:
    """An emergency: its category (one of `rulebook.ORDER`) and the words that gave it away.

    `matched` is for a clinician who tries a pattern out; it is never logged.
    """

    category: str
    matched: str


@dataclass
class Clause:
    """One sentence: its words between `^` and `$` (and `?`), and what was found in it.

    `commas`, `guards` and `vetoes` are bit masks: bit n is set where a comma precedes word n,
    where word n belongs to a denial, and so on.
    """

    words: list[str]
    commas: int
    asks: bool
    found: Found = field(default_factory=dict)
    groups: dict[int, list[Span]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    guards: dict[tuple[str, str], int] = field(default_factory=dict)
    vetoes: dict[int, int] = field(default_factory=dict)


def triage(text: str) -> RedFlag | None:
    """Return the red flag that the message raises, or None."""
    book = rulebook()
    clauses = list(_sentences(book, text))
    for clause in clauses:
        clause.found = _find(book.root, clause.words)
        clause.rules = [
            rule
            for rule in _candidates(book, book.flags, clause)
            if next(_matches(rule, clause.groups), None)
        ]
    if not _worth_a_look(book, clauses):  # most messages end here
        return None
    languages = {rule.language for clause in clauses for rule in clause.rules}
    for clause in clauses:
        _add_guards(book, clause, languages)
    return _judge(book, clauses)


def _worth_a_look(book: Rulebook, clauses: list[Clause]) -> bool:
    rules = [rule for clause in clauses for rule in clause.rules]
    signs = {rule.name for rule in rules if rule.kind == "sign"}
    return any(rule.kind == "flag" for rule in rules) or any(
        len(few & signs) >= count for few, count, _ in book.together
    )


def _judge(book: Rulebook, clauses: list[Clause]) -> RedFlag | None:
    """Return the most urgent category with a match that no guard excuses."""
    flags: dict[str, str] = {}
    signs: dict[str, str] = {}
    story: Story = {}
    for clause, after in zip(clauses, [*clauses[1:], None], strict=True):
        context = _Context(clause, after, story)
        for rule in clause.rules:
            seen = flags if rule.kind == "flag" else signs
            match = None if rule.name in seen else context.first(rule)
            if match:
                start, end = _hull(match)
                seen[rule.name] = " ".join(clause.words[start:end])
        story = _continue(story, clause)
    for few, count, category in book.together:
        both = sorted(few & signs.keys())
        if len(both) >= count:
            flags.setdefault(category, " + ".join(signs[sign] for sign in both))
    return next((RedFlag(name, flags[name]) for name in ORDER if name in flags), None)


# --- from text to phrases ---


def _sentences(book: Rulebook, text: str) -> Iterator[Clause]:
    """Cut a text into sentences; a fragment of one or two words is read with what follows."""
    words, commas = ["^"], 0
    for token in TOKEN.findall(fold(text)):
        if token[0].isalnum():
            words.append(spell(book, token.replace(",", ".")))
        elif token[0] in ASKING or (token not in COMMAS and len(words) > FRAGMENT + 1):
            asks = token[0] in ASKING
            yield Clause([*words, "$", *"?" * asks], commas, asks)
            words, commas = ["^"], 0
        else:
            commas |= 1 << len(words)
    if len(words) > 1:
        yield Clause([*words, "$"], commas, asks=False)


def _find(root: Node, words: list[str]) -> Found:
    """Return every phrase of the rulebook that occurs in the words."""
    found: Found = {}
    for at in range(len(words)):
        open_nodes = [(root, at)]
        while open_nodes:
            node, place = open_nodes.pop()
            if node.phrase >= 0:
                found.setdefault(node.phrase, []).append((at, place))
            if place == len(words):
                continue
            word = words[place]
            if word in node.words:
                open_nodes.append((node.words[word], place + 1))
            if node.stems:
                beginnings = (word[:end] for end in range(len(word) + 1))
                open_nodes += [(node.stems[b], place + 1) for b in beginnings if b in node.stems]
    return found


def _candidates(book: Rulebook, filed: dict[int, list[Rule]], clause: Clause) -> Iterator[Rule]:
    """Yield the rules of which every group occurs in the clause; note where they do."""
    present = set(clause.found)
    seen: set[int] = set()
    for phrase in clause.found:
        for rule in filed.get(phrase, ()):
            if id(rule) in seen:
                continue
            seen.add(id(rule))
            if any(book.groups[step].isdisjoint(present) for step in rule.steps):
                continue
            for group in (*rule.steps, rule.unless):
                if group >= 0 and group not in clause.groups:
                    phrases = book.groups[group] & present
                    clause.groups[group] = sorted(
                        span for phrase in phrases for span in clause.found[phrase]
                    )
            yield rule


# --- rules and their guards ---


def _matches(
    rule: Rule, groups: dict[int, list[Span]], done: Match = (), start: int = 0, end: int = 0
) -> Iterator[Match]:
    """Yield every way in which the rule's groups stand in its order and near enough.

    `done` are the steps matched so far, from word `start` to word `end`.
    """
    spans = groups[rule.steps[len(done)]]
    last = len(done) + 1 == len(rule.steps)
    if not done:
        for span in spans:
            if last:
                yield (span,)
            else:
                yield from _matches(rule, groups, (span,), *span)
        return
    link = rule.links[len(done) - 1]
    gap, ordered, anchor = GAPS[link], link[0] != "+", done[-1][1]
    first = anchor if ordered else start - gap - LONGEST
    for at in range(bisect_left(spans, (first, 0)), len(spans)):
        span = spans[at]
        if span[0] > end + gap:
            return
        if ordered:
            near = span[0] - anchor <= gap
        else:
            near = start - span[1] <= gap and all(span[1] <= a or b <= span[0] for a, b in done)
        if near and last:
            yield (*done, span)
        elif near:
            hull = min(start, span[0]), max(end, span[1])
            yield from _matches(rule, groups, (*done, span), *hull)


def _hull(match: Match) -> Span:
    return min(start for start, _ in match), max(end for _, end in match)


def _bits(first: int, last: int) -> int:
    """Return the mask of the words from `first` up to `last`."""
    first = max(first, 0)
    return (1 << max(last - first, 0)) - 1 << first


def _add_guards(book: Rulebook, clause: Clause, languages: set[str]) -> None:
    """Note where the clause denies, supposes, remembers ...; a guard `not_x` takes `x` back."""
    spans: dict[tuple[str, str], list[Span]] = {}
    for phrase, found in clause.found.items():
        for cue in book.cues.get(phrase, ()):
            if cue[0] in languages:
                spans.setdefault(cue, []).extend(found)
    for rule in _candidates(book, book.guards, clause):
        if rule.language in languages:
            found = [_hull(match) for match in _matches(rule, clause.groups)]
            spans.setdefault((rule.language, rule.name), []).extend(found)
    for cue in sorted(spans, key=lambda cue: not cue[1].startswith("not_")):
        void = clause.guards.get((cue[0], f"not_{cue[1]}"), 0)
        mask = 0
        for span in spans[cue]:
            if not void & _bits(*span):
                mask |= _bits(*span)
        clause.guards[cue] = mask


@dataclass(frozen=True)
class _Context:
    """A clause in its place: what comes after it, and the story told so far."""

    clause: Clause
    after: Clause | None
    story: Story

    def first(self, rule: Rule) -> Match | None:
        """Return the first match of a rule that nothing around it makes harmless."""
        for match in islice(_matches(rule, self.clause.groups), MOST):
            if not self.excused(rule, match) and not self.disowned(rule, match):
                return match
        return None

    def guard(self, language: str, name: str) -> int:
        return self.clause.guards.get((language, name), 0)

    def disowned(self, rule: Rule, match: Match) -> bool:
        """Whether a language that is more at home here claims the same words and excuses them.

        Some words belong to several languages ("sepsis"); the one with more small words in the
        sentence ("is", "not", "my") judges them.
        """
        here = _bits(*_hull(match))
        return any(
            self.excused(other, theirs)
            for other in self.clause.rules
            if other.name == rule.name and self.small(other.language) > self.small(rule.language)
            for theirs in islice(_matches(other, self.clause.groups), MOST)
            if here & _bits(*_hull(theirs))
        )

    def small(self, language: str) -> int:
        """Count the words of a sentence that a language knows as part of a guard."""
        words = 0
        for (owner, _), mask in self.clause.guards.items():
            words |= mask if owner == language else 0
        return words.bit_count()

    def excused(self, rule: Rule, match: Match) -> bool:
        """Whether the words around a match say that nothing is happening now."""
        language = rule.language
        start, end = _hull(match)
        part = self.between(self.guard(language, "break"), start, end)  # as far as a "but"
        steps = 0
        for span in match:
            steps |= _bits(*span)
        if self.vetoed(rule, steps, part & _bits(start - VETO_REACH, end + VETO_REACH)):
            return True
        if "negation" not in rule.ignores and self.denied(language, match, steps):
            return True
        if part & self.guard(language, "now"):
            return False
        lately = part & self.guard(language, "lately")
        if not lately and "general" not in rule.ignores and self.general(language, part, start):
            near = part & _bits(start - NEAR_MATCH, end)
            return not near & self.guard(language, "asserting")
        if _bits(start - NEAR_MATCH, end) & self.guard(language, "present"):
            return False
        if not lately and "past" not in rule.ignores and self.past(language, part, start, end):
            return True
        return self.over(rule, _bits(end, len(self.clause.words)))

    def between(self, marks: int, start: int, end: int) -> int:
        """Return the words around a match from the last mark before it to the next one after."""
        low = (marks & _bits(0, start + 1)).bit_length() - 1
        later = marks >> end
        high = end + (later & -later).bit_length() - 1 if later else len(self.clause.words)
        return _bits(low, high)

    def general(self, language: str, part: int, start: int) -> bool:
        """Whether the match belongs to a general question or a supposition.

        Of a statement, a comma ends it; a question may go on as a list ("..., chills or fever?").
        """
        cues = part & self.guard(language, "general")
        here = self.between(self.clause.commas, start, start + 1)
        if self.clause.asks:
            here |= _bits(0, start)
        return bool(cues & here) or self.story.get((language, "general"), False)

    def past(self, language: str, part: int, start: int, end: int) -> bool:
        """Whether this part of the sentence, or the story that it goes on with, is long past.

        Across a comma only the opening words of a sentence speak for the rest ("Years ago, ...").
        """
        cues = part & self.guard(language, "past")
        if cues & self.between(self.clause.commas, start, end):
            return True
        if part & self.guard(language, "treatment"):
            return False
        opening = cues & _bits(0, min(OPENING, start))
        return bool(opening) or self.story.get((language, "past"), False)

    def vetoed(self, rule: Rule, steps: int, reach: int) -> bool:
        """Whether an `unless` stands near the match, or a figure of speech covers it."""
        if steps & self.guard(rule.language, "figure"):
            return True
        if rule.unless not in self.clause.vetoes:
            veto = 0
            for span in self.clause.groups.get(rule.unless, ()):
                veto |= _bits(*span)
            self.clause.vetoes[rule.unless] = veto
        return bool(self.clause.vetoes[rule.unless] & reach & ~steps)

    def denied(self, language: str, match: Match, steps: int) -> bool:
        """Whether a denial reaches a step over nothing but filler, or at the end of a list.

        A denial inside a step ("not able to") belongs to the sign and denies nothing.
        """
        negation = self.guard(language, "negation") & ~steps
        if not negation:
            return False
        filler = self.guard(language, "filler") & ~negation
        for start, _ in match:
            at = max(start - 1, 0)
            while at > 0 and filler >> at & 1:
                at -= 1
            if negation >> at & 1 or self.listed(language, negation, at):
                return True
        return False

    def listed(self, language: str, negation: int, at: int) -> bool:
        """Whether the word after `at` goes on with a denied list: "no fever, chills or pain"."""
        before = negation & _bits(at - LIST_REACH, at)
        ors = self.guard(language, "or")
        comma = self.clause.commas >> (at + 1) & 1 and ors & _bits(at, at + LIST_REACH)
        if not before or not (ors >> at & 1 or comma):
            return False
        subject = self.guard(language, "subject") | self.guard(language, "break")
        return not subject & _bits(before.bit_length(), at)

    def over(self, rule: Rule, rest: int) -> bool:
        """Whether the rest of the sentence, or the next one, says that it has gone for good."""

        def later(name: str) -> bool:
            cue = (rule.language, name)
            return bool(rest & self.guard(*cue) or (self.after and self.after.guards.get(cue)))

        return "resolved" not in rule.ignores and later("resolved") and not later("relapse")


def _continue(story: Story, clause: Clause) -> Story:
    """Return what the next sentence inherits: a tale of the past, a general question going on."""
    told: Story = {}
    for language in {language for language, _ in (*story, *clause.guards)}:
        past, now, lately, general, treatment = (
            bool(clause.guards.get((language, name)))
            for name in ("past", "now", "lately", "general", "treatment")
        )
        goes_on = story.get((language, "past"), False) and not treatment
        told[language, "past"] = not (now or lately) and (past or goes_on)
        told[language, "general"] = clause.asks and general
    return told
