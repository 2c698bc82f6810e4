import gzip
import json
import time
from itertools import pairwise
from pathlib import Path

import pytest

from assistant.errors import FootnoteError
from evals.calibrate import balanced_accuracy, by_source, main, read_begin
from evals.models import ChatJudge, CrossEncoderJudge
from evals.paraphrase import Lexical
from evals.paraphrase.lexicon import lexicon, read, stem
from tests.conftest import ROOT

JUDGE = Lexical()
ITCH = "Slight itching which lasts only a few hours after the procedure."
SORE = "It's not unusual to feel tenderness in the skin for up to 2 days after the procedure."
TONE = "The Mesotherapy injections may cause skin discoloration in patients with darker skin."
SEVERE = "Mesotherapy side effects are not severe."
ARNICA = "Some mesotherapists recommend the homeopathic drug arnica to reduce swelling."
BETTER = "The risks of Mesotherapy are minor compared to procedures such as liposuction."
DEATHS = "No known deaths have been caused as a result of this treatment program."
MOST = "Most bruising lasts for more than a few days at a time."
ADVISED = "Patients are advised to avoid exercise for about two or three days."
STEROIDS = "It is commonly used for arthritis in patients before starting steroids."
RARE = "This may be a temporary complication and will rarely be permanent."

SUPPORTED = [
    (SORE, "For up to two days after treatment the skin is commonly tender."),
    (SORE, "It is common for the skin to feel sore for as long as 48 hours afterwards."),
    (ITCH, "A slight itch goes away a few hours after treatment."),
    (TONE, "In people whose skin is darker, mesotherapy might discolour the skin."),
    (SEVERE, "Mesotherapy's side effects aren't severe."),
    (ARNICA, "Arnica, a homeopathic remedy, is suggested by some mesotherapists against swelling."),
    (BETTER, "Compared with liposuction, mesotherapy carries minor risks."),
    (DEATHS, "Nobody is known to have died from this treatment."),
    (MOST, "The majority of bruises stay for longer than a few days."),
    (ADVISED, "People are told not to exercise for two to three days."),
    (STEROIDS, "Arthritis patients often have it before they begin steroids."),
    (RARE, "The complication may pass, and seldom lasts for good."),
]


@pytest.mark.parametrize(("passage", "claim"), SUPPORTED)
def test_a_faithful_paraphrase_is_supported(passage, claim) -> None:
    assert JUDGE.faults(claim, [passage]) == []


FAULTY = [
    ("content", SORE, "For up to two days the muscles are commonly tender.", "muscles"),
    ("content", ARNICA, "Some mesotherapists recommend aspirin to reduce swelling.", "aspirin"),
    ("numbers", SORE, "For up to five days after treatment the skin is commonly tender.", "at most 120 hours"),
    ("numbers", SORE, "For more than two days after treatment the skin is commonly tender.", "more than 48 hours"),
    ("numbers", ITCH, "A slight itch goes away a few weeks after treatment.", "few weeks"),
    ("numbers", ITCH, "A slight itch goes away some 7 hours after treatment.", "7"),
    ("numbers", ITCH, "A slight itch lasts only hours after treatment.", "how many hours"),
    ("negation", "These answers do not replace advice.", "The answers replace advice.", "has lost its denial"),
    ("negation", STEROIDS, "It is commonly used for arthritis, but not before steroids.", "is not denied"),
    ("negation", DEATHS, "Deaths have been caused by this treatment.", "has lost its denial"),
    ("added_markers", TONE, "The injections will discolour darker skin.", "'will' is added"),
    ("added_markers", MOST, "All bruises last for more than a few days.", "'all' is added"),
    ("lost_hedges", TONE, "The injections discolour the skin of patients with darker skin.", "'may'"),
    ("lost_hedges", ARNICA, "Mesotherapists recommend the homeopathic drug arnica against swelling.", "'some'"),
    ("lost_hedges", RARE, "The complication may be temporary or permanent.", "'rarely'"),
    ("strength", ITCH, "A severe itch goes away a few hours after treatment.", "'severe'"),
    ("strength", ITCH, "An itch goes away only a few hours after treatment.", "'slight'"),
    ("conditions", TONE, "Mesotherapy injections may cause the skin to discolour.", "darker"),
    ("limits", "Receive Mesotherapy from a board-certified physician.", "Have mesotherapy done by a doctor.", "board"),
    ("order", STEROIDS, "Arthritis patients often have it after they begin steroids.", "'after'"),
    ("advice", TONE, "Patients with darker skin should expect that the injections may discolour it.", "advice"),
    ("advice", ADVISED, "Patients must avoid exercise for two or three days.", "duty"),
    ("reassurance", SEVERE, "Mesotherapy side effects are not severe, so there is no cause for concern.", "reassures"),
    ("roles", BETTER, "The risks of liposuction are minor compared to mesotherapy.", "compare"),
    ("near_quotes", RARE, RARE.replace("may", "will", 1), "quotation"),
]  # fmt: skip


@pytest.mark.parametrize(("aspect", "passage", "claim", "says"), FAULTY)
def test_a_fault_is_found_and_explained(aspect, passage, claim, says) -> None:
    assert not JUDGE.supports(claim, [passage])
    assert says in JUDGE.explain(claim, [passage])[aspect]


CORPUS = [
    sentence
    for file in sorted((ROOT / "corpus" / "mesotherapy").glob("*.txt"))
    for sentence in file.read_text(encoding="utf-8").replace("\n", " ").split(". ")
]


def test_every_text_supports_its_own_sentences_in_any_order_and_dress() -> None:
    assert len(CORPUS) > 70
    for one, other in pairwise(CORPUS):
        passages = [f"{one.strip()}. {other.strip()}."]
        for claim in (
            f"{other.strip()}. {one.strip()}.",
            f"  {one.strip()}.  \n\n {other.strip()}.",
            passages[0].replace("'", "’").replace('"', "“"),
            passages[0].replace("’", "'").replace("“", '"'),
        ):
            assert JUDGE.faults(claim, passages) == [], claim


@pytest.mark.parametrize(
    "claim", ["This is harmless.", "You will be fine.", "", "   ", "No treatment is needed."]
)
def test_invented_reassurance_is_supported_by_no_text(claim) -> None:
    assert not any(JUDGE.supports(claim, [f"{sentence.strip()}."]) for sentence in CORPUS)


def test_a_qualifier_cannot_be_dropped_from_a_quotation() -> None:
    dropped = 0
    for sentence in CORPUS:
        for word in (" some", " usually", " typically", " slight", " rarely", " few"):
            if f"{word} " in sentence:
                dropped += 1
                claim = sentence.strip().replace(word, "", 1)
                assert not JUDGE.supports(f"{claim}.", [f"{sentence.strip()}."]), (word, sentence)
    assert dropped > 20


def test_may_cannot_become_will_or_always_in_a_quotation() -> None:
    hedged = [f"{sentence.strip()}." for sentence in CORPUS if " may " in sentence]
    assert len(hedged) > 20
    for sentence in hedged:
        for word in (" will ", " always ", " must "):
            assert not JUDGE.supports(sentence.replace(" may ", word, 1), [sentence]), (
                word,
                sentence,
            )


def test_a_claim_is_never_supported_by_nothing() -> None:
    assert not JUDGE.supports("Bruising may occur.", [])


def test_a_claim_takes_less_than_five_milliseconds() -> None:
    JUDGE.supports(*_pair(SUPPORTED[0]))
    read.cache_clear()
    start = time.perf_counter()
    for row in SUPPORTED * 5:
        JUDGE.supports(*_pair(row))
    assert (time.perf_counter() - start) / (5 * len(SUPPORTED)) < 0.005


def _pair(row: tuple[str, str]) -> tuple[str, list[str]]:
    return row[1], [row[0]]


@pytest.mark.parametrize(
    "forms",
    [
        "itch itching itchy itchiness itches",
        "swell swelling swollen",
        "injection injections injected inject",
    ],
)
def test_inflections_share_a_stem(forms) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


def test_the_lexicon_keeps_the_terms_of_the_texts_apart() -> None:
    terms = (
        "bruising swelling itching numbness infection scarring redness liposuction arnica".split()
    )
    for term in terms:
        for other in terms:
            if term != other:
                assert not JUDGE.supports(f"There is {term}.", [f"There is {other}."]), (
                    term,
                    other,
                )


def test_a_broken_lexicon_names_the_file(monkeypatch, tmp_path: Path) -> None:
    broken = tmp_path / "equivalents.toml"
    broken.write_text("rewrites = [['(', '']]", encoding="utf-8")
    monkeypatch.setattr("evals.paraphrase.lexicon.TABLES", broken)
    lexicon.cache_clear()
    with pytest.raises(FootnoteError, match="equivalents.toml"):
        lexicon()
    lexicon.cache_clear()


def save_cross_encoder(folder: Path, labels: list[str], favoured: int) -> str:
    """Save a tiny BERT whose classifier always favours one label."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bruising", "is", "common", "rare", "."]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, id2label=dict(enumerate(labels)), label2id={x: n for n, x in enumerate(labels)},
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.eye(len(labels))[favoured])
    model.save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(("favoured", "supported"), [(0, False), (1, True), (2, False)])
def test_entailment_is_found_by_its_label_and_has_to_win(tmp_path, favoured, supported) -> None:
    labels = ["contradiction", "ENTAILMENT", "neutral"]
    judge = CrossEncoderJudge(save_cross_encoder(tmp_path / "nli", labels, favoured))
    assert judge.reads_paraphrase
    assert (
        judge.supports("bruising is common.", ["bruising is rare.", "bruising is common."])
        is supported
    )
    assert not judge.supports(" ", ["bruising is common."])


def test_a_cross_encoder_without_entailment_is_refused(tmp_path) -> None:
    folder = save_cross_encoder(tmp_path / "relevance", ["no", "yes"], 0)
    with pytest.raises(FootnoteError, match="no, yes and none for entailment"):
        CrossEncoderJudge(folder)


def test_a_cross_encoder_that_is_not_here_is_not_fetched(tmp_path) -> None:
    with pytest.raises(FootnoteError, match="cannot be loaded offline"):
        CrossEncoderJudge(str(tmp_path / "nothing"))


def chat(*replies: str) -> ChatJudge:
    from langchain_core.language_models import FakeListChatModel

    return ChatJudge(FakeListChatModel(responses=list(replies)))


def test_a_chat_model_is_taken_at_its_word() -> None:
    judge = chat(
        '```json\n{"supported": true, "why": "it says so"}\n```', '{"supported": false, "why": "7"}'
    )
    assert judge.supports("a", ["b"])
    assert not judge.supports("a", ["b"])


@pytest.mark.parametrize(
    "reply",
    [
        "yes",
        "",
        '{"supported": "true", "why": "x"}',
        '{"supported": true}',
        '{"supported": true, "why": "x"',
    ],
)
def test_a_reply_beside_the_format_is_an_error_and_no_verdict(reply) -> None:
    with pytest.raises(FootnoteError, match="Use a model that follows"):
        chat(reply).supports("a", ["b"])


def begin(path: Path, rows: int = 24) -> Path:
    """Write a small BEGIN in which what is attributable repeats the knowledge."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for n in range(rows):
            good = n % 2 == 0
            row = {
                "knowledge": "Alan Turing was born in London in 1912.",
                "message": "Tell me more",
                "response": "Turing was born in London."
                if good
                else "Lovelace painted bridges in Oslo.",
                "begin_label": "Fully attributable" if good else "Generic",
                "data_source": ("cmu", "tc", "wow")[n // 2 % 3],
            }
            file.write(json.dumps(row) + "\n")
    return path


def test_calibration_reports_every_source_held_out_with_an_interval(tmp_path) -> None:
    lines = by_source(read_begin(begin(tmp_path / "begin.jsonl.gz")))
    assert [(x.source, x.method) for x in lines[:3]] == [
        ("cmu", "graded"), ("cmu", "length only"), ("cmu", "yes or no"),
    ]  # fmt: skip
    assert {x.source for x in lines} == {"cmu", "tc", "wow"}
    assert all(x.accuracy == 1 for x in lines if x.method != "length only")
    assert all(x.low <= x.accuracy <= x.high and x.supported * 2 == x.count for x in lines)


def test_the_command_prints_a_table_and_writes_json(tmp_path, capsys) -> None:
    out = tmp_path / "out.json"
    assert main([str(begin(tmp_path / "begin.jsonl.gz")), "--out", str(out)]) == 0
    assert "| wow | 8 | 4 | graded | 1.000 |" in capsys.readouterr().out
    assert len(json.loads(out.read_text())) == 9


def test_what_is_not_begin_is_named_with_its_line(tmp_path, capsys) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"a": 1}\n', encoding="utf-8")
    assert main([str(path)]) == 2
    assert "other.jsonl:1: not a row of BEGIN" in capsys.readouterr().err


def test_balanced_accuracy_does_not_reward_the_larger_class() -> None:
    import numpy as np

    truth, all_no = np.array([1, 0, 0, 0]), np.array([0, 0, 0, 0])
    assert balanced_accuracy(truth, all_no) == 0.5
    assert balanced_accuracy(truth, truth) == 1
