"""The small parts: composing, follow-ups, spelling, language, cleaning, heads, no bank."""

import gzip
import json

import numpy as np
import pytest

from assistant.alarm import Alarm
from assistant.alarm import train as train_alarm
from assistant.bank import Fact, Knowledge, KnownDisagreement, Overview, Question, Theme
from assistant.clean import clean
from assistant.compose import compose
from assistant.errors import FootnoteError
from assistant.followup import FollowUps, Meta, Topic
from assistant.heads import Heads, kernel, leave_groups_out, solve, train
from assistant.language import language_of
from assistant.spelling import Speller
from assistant.values import Ask, Citation, Kind, Source, Span
from tests.conftest import ROOT
from tests.fakes import WordEncoder

TEXT = "Apples keep for weeks. They bruise. Pears ripen late.\nApples spoil fast. Plums are sour."
SOURCE = Source("s", "S", TEXT)


def fact(name: str, words: str, theme: str = "t") -> Fact:
    start = TEXT.index(words)
    return Fact(name, theme, (Citation(SOURCE, Span(start, start + len(words))),))


FACTS = (
    fact("weeks", "Apples keep for weeks."),
    fact("bruise", "Apples keep for weeks. They bruise."),
    fact("late", "Pears ripen late.", "pears"),
    fact("fast", "Apples spoil fast."),
    fact("sour", "Plums are sour.", "plums"),
)
THEMES = tuple(
    Theme(id=i, title=i.title(), ask=f"{i}?", noun=f"the {i}") for i in ("t", "pears", "plums")
)
DIFFER = KnownDisagreement("keeping", "how long apples keep", (("weeks",), ("fast",)), ("weeks",))
KNOWN = Knowledge(THEMES, FACTS, (DIFFER,))


def texts(*names: str, known: Knowledge = KNOWN, **scores: float) -> list[str]:
    statements, _ = compose([f for n in names for f in FACTS if f.id == n], known, scores)
    return [s.text for s in statements]


def test_a_reassuring_side_brings_the_other_but_not_the_other_way_round() -> None:
    assert texts("weeks") == ["Apples keep for weeks.", "Apples spoil fast."]
    assert texts("fast") == ["Apples spoil fast."]
    assert texts("fast", weeks=0.3) == ["Apples spoil fast.", "Apples keep for weeks."]


def test_a_side_that_was_brought_brings_the_other_side_of_its_own() -> None:
    later = KnownDisagreement("later", "taste", (("fast",), ("sour",)), ("fast",))
    known = Knowledge(THEMES, FACTS, (later, DIFFER))
    assert set(texts("weeks", known=known)) == {
        "Apples keep for weeks.",
        "Apples spoil fast. Plums are sour.",
    }


def test_a_disagreement_names_the_statements_of_both_sides() -> None:
    statements, (shown,) = compose([FACTS[2], FACTS[0]], KNOWN, {})
    sides = [[statements[i].text for i in side] for side in shown.sides]
    assert sides == [["Apples keep for weeks."], ["Apples spoil fast."]]


def test_passages_that_touch_are_quoted_as_one_but_never_across_lines() -> None:
    assert texts("bruise", "late") == ["Apples keep for weeks. They bruise. Pears ripen late."]
    assert len(texts("late", "fast")) == 2


def test_a_question_for_everything_gets_the_whole_list() -> None:
    known = Knowledge(
        THEMES, FACTS, (), (), Overview(themes=3, facts=["fast", "late", "sour", "weeks"])
    )
    assert len(texts("fast", "late", known=known)) == 2
    assert " ".join(texts("fast", "late", "sour", known=known)).count("Apples keep") == 1


FOLLOW = FollowUps(
    [
        Theme(
            id="b", title="B", ask="?", noun="the bruising", terms=["bruise", "bruises", "bruising"]
        ),
        Theme(id="i", title="I", ask="?", noun="the itching", terms=["itch", "itching"]),
    ]
)
BRUISING = Topic("how long does bruising last?", ("the bruising",))


@pytest.mark.parametrize(
    ("question", "reading"),
    [
        ("and the itching?", "how long does itching last?"),
        ("what about itching", "how long does itching last?"),
        ("no, I meant the itching", "how long does itching last?"),
        ("is it dangerous?", "is the bruising dangerous?"),
        ("why does that happen", "why does the bruising happen"),
        ("why?", "why: the bruising?"),
    ],
)
def test_a_follow_up_is_read_with_the_topic_before_it(question: str, reading: str) -> None:
    readings = FOLLOW.readings(question, BRUISING)
    assert readings[0] == reading
    assert f"how long does bruising last. {question}" in readings
    assert question not in readings


def test_a_long_question_is_what_it_is() -> None:
    long = "my neighbour wants to know whether it is dangerous when somebody has a liver problem"
    assert FOLLOW.readings(long, BRUISING) == []


@pytest.mark.parametrize(
    ("question", "meta"),
    [
        ("which source says that?", Meta.WHICH_SOURCE),
        ("where did you get this from", Meta.WHICH_SOURCE),
        ("say it simpler please", Meta.SIMPLER),
        ("I don't understand that", Meta.SIMPLER),
        ("summarise", Meta.SUMMARY),
        ("what is the source of the infection risk", None),
        ("how long does it last", None),
    ],
)
def test_questions_about_the_answer_are_told_apart(question: str, meta: Meta | None) -> None:
    assert FOLLOW.meta(question) is meta


def test_only_unknown_words_near_the_collections_are_repaired() -> None:
    speller = Speller(
        frozenset({"contribution", "long", "does", "last"}), ("constipation", "bruising")
    )
    assert speller.repair("constapation long") == "constipation long"
    assert speller.repair("contribution") == "contribution"
    assert speller.repair("brusing lasts? Botox") == "bruising lasts? Botox"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("¿cuánto duran los moretones después de la sesión?", "es"),
        ("combien de temps durent les bleus après la séance", "fr"),
        ("wie lange bleiben die blauen Flecken nach der Behandlung", "de"),
        ("quanto tempo duram os hematomas depois da sessão", "pt"),
        ("quanto durano i lividi dopo la seduta", "it"),
        ("сколько держатся синяки", "ru"),
        ("هل الحقن مؤلمة", "ar"),
        ("打针会痛吗", "zh"),
        ("how long dos brusing last", "en"),
        ("ok", "en"),
        ("😀", "en"),
    ],
)
def test_the_language_is_recognised_and_english_where_in_doubt(text: str, code: str) -> None:
    assert language_of(text) == code


def test_everyday_english_is_not_taken_for_another_language() -> None:
    path = ROOT.parent / "shared" / "data" / "clinc.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        queries = [json.loads(line)["text"] for line in lines][::10]
    wrong = [q for q in queries if language_of(q) != "en"]
    assert len(wrong) <= len(queries) * 0.003, wrong


def test_cleaning_keeps_words_and_drops_what_cannot_be_seen() -> None:
    assert clean("bru\u200bi\u00adsing\x00 \u202elasts\u2028now") == "bruising lasts now"
    assert clean("Z\u0351\u0350\u034fa\u0301\u0302\u0303lgo") == clean("Z\u0351álgo")
    assert clean("naïve  \t café") == "naïve café"


def test_leaving_groups_out_in_closed_form_is_leaving_them_out() -> None:
    """The identity that calibration rests on, against the model trained without the group."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    targets, groups = random.normal(size=(40, 3)), np.arange(40) % 5
    near = kernel(rows, rows).astype(float)
    inverse, weights = solve(near, targets)
    held_out = leave_groups_out(inverse, weights, targets, groups)
    inside, outside = groups == 2, groups != 2
    _, without = solve(near[np.ix_(outside, outside)], targets[outside])
    assert np.allclose(held_out[inside], near[np.ix_(inside, outside)] @ without, atol=1e-6)


def test_training_is_the_same_twice_and_survives_saving(tmp_path) -> None:
    asked = ("how long do apples keep", "do apples keep", "what do apples cost", "price of pears")
    questions = tuple(
        Question(
            text, Kind.ANSWER if n < 2 else Kind.NOT_COVERED, ("weeks",) if n < 2 else (), "", "x"
        )
        for n, text in enumerate(asked)
    )
    known = Knowledge(THEMES, FACTS, (), questions)
    features = WordEncoder().encode(list(asked)).features
    heads, held_out = train(known, features, fewest=0)
    heads.save(tmp_path / "heads.npz")
    again = Heads.load(tmp_path / "heads.npz")
    one, two = heads.score(features), again.score(features)
    assert all(np.array_equal(a.outcomes, b.outcomes) for a, b in zip(one, two, strict=True))
    assert np.array_equal(train(known, features, fewest=0)[0].weights, heads.weights)
    assert held_out.urgent.shape == held_out.groups.shape == (4,)
    assert one[0].facts.argmax() == 0
    assert one[0].neighbours[0][0] == 0
    assert all(abs(scored.outcomes.sum() - 1) < 1e-5 for scored in one)


def test_features_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(FootnoteError, match="Use another encoder"):
        solve(np.full((3, 3), np.nan, np.float32), np.eye(3, dtype=np.float32))


def test_a_bank_that_is_too_small_does_not_decide() -> None:
    asked = tuple(Question(f"q{n}", Kind.SMALLTALK, (), "", "x") for n in range(9))
    features = WordEncoder().encode([q.text for q in asked]).features
    heads, held_out = train(Knowledge(questions=asked), features)
    assert not heads.known
    assert not len(held_out.urgent)


def trained_alarm() -> Alarm:
    texts = [
        "cannot breathe",
        "no puedo respirar",
        "she cannot wake",
        "how long is it blue",
        "cuanto cuesta",
    ]
    urgent = np.array([True, True, True, False, False])
    scores = np.where(urgent, 0.8, 0.1).astype(np.float32)
    return train_alarm(texts, urgent, scores, np.arange(5), fewest=2)


def test_the_alarm_is_the_same_twice_survives_saving_and_reads_letters(tmp_path) -> None:
    alarm = trained_alarm()
    alarm.save(tmp_path / "alarm.npz")
    again = Alarm.load(tmp_path / "alarm.npz")
    assert np.array_equal(alarm.grams, trained_alarm().grams)
    assert alarm.log_odds("cant breathe", 0.4) == again.log_odds("cant breathe", 0.4)
    assert alarm.log_odds("NO PUEDO RESPIRÁR", 0.4) > alarm.log_odds("¿cuánto cuesta?", 0.4)
    assert alarm.log_odds("blue", 0.9) > alarm.log_odds("blue", 0.1)


def test_a_bank_with_few_emergencies_leaves_them_to_the_patterns() -> None:
    urgent = np.arange(100) < 50
    texts = [f"word{n}" for n in range(100)]
    few = train_alarm(texts, urgent, urgent.astype(np.float32), np.arange(100))
    assert few.log_odds("cannot breathe", 0.9) is None


def test_a_collection_without_a_bank_answers_by_similarity(corpus, tmp_path) -> None:
    from assistant.index import build
    from assistant.settings import load_settings
    from assistant.storage import LocalStorage
    from assistant.wiring import build_engine

    storage = LocalStorage(tmp_path / "index", "fruit")
    build(corpus, "fruit", storage, WordEncoder.identity, WordEncoder)
    settings = load_settings(corpus=corpus, index=tmp_path / "index", collection="fruit")
    engine = build_engine(settings, WordEncoder())
    reply = engine.ask(Ask("do pears ripen late?"))
    assert reply.statements[0].text == "Pears ripen late."
    silent = engine.ask(Ask("what is the weather like tomorrow?"))
    assert silent.kind is Kind.NOT_COVERED
    engine.close()
