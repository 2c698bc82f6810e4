"""The clinician's tools: `python -m assistant.review check | stats | map | try "question"`.

`check` validates every file and lists what deserves a second look; `stats` counts; `map` lists
each fact with the questions that reach it; `try` shows why a question gets the reply that it
gets. They need an up-to-date index, as the similarity of questions is what they look at.
"""

import argparse
import sys
from collections import Counter

import numpy as np

from assistant.bank import Knowledge
from assistant.decide import PATTERN, Decider, Found
from assistant.engine import Engine
from assistant.errors import FootnoteError
from assistant.heads import KINDS
from assistant.rendering import as_text
from assistant.settings import load_settings
from assistant.triage import triage
from assistant.values import Ask, Kind
from assistant.wiring import be_quiet, build_engine

ALIKE = 0.985
"""Cosine of two reviewed questions from which one of them adds nothing."""
CLOSE = 0.95
"""Cosine from which two questions of different outcomes deserve a second look."""
FEW = 6
"""A fact with fewer questions is hardly learnt."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 1 if `check` has something to look at, 2 if something must be mended."""
    parser = argparse.ArgumentParser(prog="python -m assistant.review")
    parser.add_argument("command", choices=("check", "stats", "map", "try"))
    parser.add_argument("question", nargs="?", default="")
    options = parser.parse_args(arguments)
    be_quiet()
    try:
        engine = build_engine(load_settings())
    except FootnoteError as error:
        print(error, file=sys.stderr)
        return 2
    knowledge = engine.assistant.knowledge
    lines = {
        "check": lambda: check(engine),
        "stats": lambda: stats(knowledge),
        "map": lambda: fact_map(knowledge),
        "try": lambda: explain(engine, options.question),
    }[options.command]()
    print("\n".join(lines) or "Nothing to look at.")
    engine.close()
    return 1 if options.command == "check" and lines else 0


def check(engine: Engine) -> list[str]:
    """Return what deserves a second look: repeats, contradicting neighbours, thin facts."""
    knowledge = engine.assistant.knowledge
    rows = engine.assistant.decider.index.heads.questions
    questions, found = knowledge.questions, []
    for n, row in enumerate(rows):
        cosine = rows[n + 1 :] @ row
        for other in np.flatnonzero(cosine > CLOSE) + n + 1:
            one, two = questions[n], questions[other]
            if one.kind is not two.kind:
                found.append(f"contradicts? {one.kind} {one.text!r} / {two.kind} {two.text!r}")
            elif cosine[other - n - 1] > ALIKE:
                found.append(f"repeats? {one.text!r} / {two.text!r}")
    counts = Counter(fact for question in questions for fact in question.facts)
    thin = [fact.id for fact in knowledge.facts if counts[fact.id] < FEW]
    return found + [f"few questions: {fact} has {counts[fact]}" for fact in thin]


def stats(knowledge: Knowledge) -> list[str]:
    """Return counts by outcome, by author and by theme."""
    theme = {fact.id: fact.theme for fact in knowledge.facts}
    questions = knowledge.questions
    kinds = Counter(q.kind.value for q in questions)
    authors = Counter(q.author for q in questions)
    themes = Counter(theme[q.facts[0]] for q in questions if q.facts)
    lines = [f"{len(questions)} questions, {len(knowledge.facts)} facts"]
    for title, counts in (("outcome", kinds), ("author", authors), ("theme", themes)):
        lines += [f"{title:8} {name:14} {count:5}" for name, count in counts.most_common()]
    return lines


def fact_map(knowledge: Knowledge) -> list[str]:
    """Return each fact with its passage and the questions that have it first."""
    lines = []
    for fact in knowledge.facts:
        reach = [q.text for q in knowledge.questions if q.facts[:1] == (fact.id,)]
        lines += ["", f"{fact.id} ({len(reach)}): “{fact.citations[0].quote}”"]
        lines += [f"  - {text}" for text in reach]
    return lines


def explain(engine: Engine, question: str) -> list[str]:
    """Return how a question is read: triage, probabilities, facts, neighbours, reply."""
    flag = triage(question)
    repaired = engine.assistant.speller.repair(question)
    (found,) = engine.search([repaired])
    lines = [f"triage      {flag}" if flag else "triage      nothing"]
    lines += [f"read as     {repaired}"] if repaired != question else []
    lines += _scores(engine.assistant.decider, found)
    return [*lines, "", as_text(engine.ask(Ask(question)))]


def _scores(decider: Decider, found: Found) -> list[str]:
    index = decider.index
    if found.scored is None:
        return ["no bank: answered by similarity alone"]
    alarm = index.alarm.log_odds(found.text, found.scored.urgent)
    chances = sorted(zip(found.scored.outcomes, KINDS, strict=True), key=lambda pair: -pair[0])
    facts = found.scored.facts
    lines = [f"alarm       {alarm or 0:5.2f} (log odds; a pattern adds {PATTERN})"]
    lines += [f"outcome     {chance:5.2f} {kind}" for chance, kind in chances if chance > 0.01]
    lines += [
        f"fact        {facts[row]:5.2f} {index.knowledge.facts[row].id}"
        for row in (-facts).argsort()[:8]
    ]
    for row, cosine in found.scored.neighbours[:8]:
        near = index.knowledge.questions[row]
        what = ", ".join(near.facts) if near.kind is Kind.ANSWER else near.topic
        lines.append(f"neighbour   {cosine:5.2f} {near.kind} [{what}] {near.text}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
