"""The manifest is checked, and the shipped texts are the ones that were given."""

from pathlib import Path

import pytest

from assistant.bank import read_knowledge
from assistant.corpus import fingerprint, list_collections, read_collection
from assistant.errors import FootnoteError
from assistant.values import Citation
from tests.conftest import ROOT


def test_the_five_texts_lie_byte_for_byte_as_they_were_given() -> None:
    given = {p.read_bytes() for p in (ROOT.parent / "shared" / "corpus").glob("*.txt")}
    ours = {p.read_bytes() for p in (ROOT / "corpus" / "mesotherapy").glob("*.txt")}
    assert len(given) == 5
    assert ours == given


def test_a_second_collection_is_a_second_folder(corpus: Path) -> None:
    assert list_collections(corpus) == ["fruit"]
    assert [s.id for s in read_collection(corpus, "fruit").sources] == ["apples", "plums"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('id = "plums"', 'id = "apples"', "two sources have the id 'apples'"),
        ("plums.md", "prunes.md", "prunes.md: No such file"),
        ("plums.md", "../../secret.txt", "leaves the folder"),
        ('title = "Plums"', 'title = "Plums"\ncolour = "blue"', "source.1.colour"),
        ('about = "fruit"', "about = fruit", "not valid TOML"),
        ('title = "Plums"', 'title = "Plums"\nresidue = ["not there"]', "residue 'not there'"),
        ('id = "plums"', 'id = "Plums!"', "source.1.id"),
    ],
)
def test_a_fault_in_the_manifest_is_named(corpus: Path, old: str, new: str, expected: str) -> None:
    path = corpus / "fruit" / "manifest.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(FootnoteError) as error:
        read_collection(corpus, "fruit")
    assert expected in str(error.value)


def test_an_unknown_collection_is_named_with_those_there_are(corpus: Path) -> None:
    with pytest.raises(FootnoteError, match="No collection 'meat'.*found: fruit"):
        read_collection(corpus, "meat")


def test_any_change_in_the_folder_changes_the_fingerprint(corpus: Path) -> None:
    before = fingerprint(corpus / "fruit")
    (corpus / "fruit" / "apples.txt").write_text("Apples are sour.")
    assert fingerprint(corpus / "fruit") != before


FACTS = """
[[theme]]
id = "keeping"
title = "Keeping"
ask = "How long do they keep?"
noun = "the apples"
[[fact]]
id = "weeks"
theme = "keeping"
quotes = [{ source = "apples", text = "QUOTE" }]
"""
BANK = 'author = "x"\n[[entry]]\nkind = "answer"\nfacts = ["weeks"]\nquestions = ["how long?"]\n'


def write_knowledge(corpus: Path, facts: str, bank: str) -> None:
    (corpus / "fruit" / "facts.toml").write_text(facts)
    (corpus / "fruit" / "bank").mkdir()
    (corpus / "fruit" / "bank" / "a.toml").write_text(bank)


GOOD = FACTS.replace("QUOTE", "Pears ripen late.")


@pytest.mark.parametrize(
    ("facts", "bank", "expected"),
    [
        (FACTS.replace("QUOTE", "Apples are blue."), BANK, "fact weeks: its evidence is no longer in apples"),
        (FACTS.replace("QUOTE", "They keep for weeks."), BANK, "the next sentence of apples limits this one"),
        (GOOD.replace('theme = "keeping"', 'theme = "none"'), BANK, "no theme 'none'"),
        (GOOD, BANK.replace("weeks", "months"), "there is no fact 'months'"),
        (GOOD, BANK.replace('"how long?"', '" "'), "an empty question"),
        (GOOD, BANK.replace('facts = ["weeks"]', ""), "an answer needs facts"),
        (GOOD, BANK.replace("answer", "refused"), "refused cites nothing"),
        (GOOD, BANK.replace('"answer"', '"answr"'), "entry.0.kind"),
        (GOOD, BANK + '[[entry]]\nkind = "not_covered"\nquestions = ["How long"]\n', "stands as answer and as not_covered"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_right_is_named(
    corpus: Path, facts: str, bank: str, expected: str
) -> None:
    write_knowledge(corpus, facts, bank)
    with pytest.raises(FootnoteError) as error:
        read_knowledge(read_collection(corpus, "fruit"))
    assert expected in str(error.value)


def test_the_shipped_knowledge_is_consistent_and_large_enough() -> None:
    knowledge = read_knowledge(read_collection(ROOT / "corpus", "mesotherapy"))
    kinds = {question.kind for question in knowledge.questions}
    assert len(knowledge.questions) >= 300
    assert {"answer", "not_covered", "personal", "urgent", "smalltalk", "refused"} <= set(kinds)
    asked = {fact for question in knowledge.questions for fact in question.facts}
    assert asked == {fact.id for fact in knowledge.facts}, "a fact that no question reaches"
    assert all(isinstance(c, Citation) for fact in knowledge.facts for c in fact.citations)
