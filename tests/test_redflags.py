"""Red flags are found in everyday words and many languages, and their look-alikes are not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.triage import triage
from tests import redflag_cases

EMERGENCIES = [
    ("my throat is closing up", "anaphylaxis"),
    ("lips like balloons and i cant get air in", "anaphylaxis"),
    ("MY TOUNGE IS SWOLEN AND I CANT BREATHE", "anaphylaxis"),
    ("no fever but I can't breathe", "anaphylaxis"),
    ("is it normal that my throat is closing?", "anaphylaxis"),
    ("there is a red line going up my arm and I am burning up and shaking", "infection"),
    ("the skin where they injected turned black and cold", "necrosis"),
    ("half my face droops and my words come out wrong", "circulation"),
    ("crushing chest pain since the injection", "circulation"),
    ("my friend collapsed after her shots and won't wake up, is that normal", "fainting"),
    ("everything went dark in one eye after the shot", "sight"),
    ("it won't stop bleeding, the towel is soaked with blood", "bleeding"),
    ("I injected the whole vial by mistake", "overdose"),
    ("I don't want to be alive anymore", "suicide"),
    ("no puedo respirar y se me hincha la lengua", "anaphylaxis"),
    ("je n'arrive plus à respirer, ma gorge gonfle", "anaphylaxis"),
    ("não consigo respirar, a minha língua está inchada", "anaphylaxis"),
    ("ich bekomme keine Luft, mein Hals schwillt zu", "anaphylaxis"),
    ("non riesco a respirare, mi si gonfia la lingua", "anaphylaxis"),
    ("quiero morirme, no quiero vivir más", "suicide"),
]  # fmt: skip
HARMLESS = [
    "can mesotherapy cause trouble breathing?",
    "what are the signs of an allergic reaction?",
    "has anyone ever died from it?",
    "I'm dying to try it",
    "the price nearly gave me a heart attack",
    "breathtaking results, how soon?",
    "years ago I fainted at a blood test, does that matter?",
    "no fever, no trouble breathing, just a bit sore. how long does that last?",
    "small bruise and slight swelling where the needle went in",
    "how long does bruising last?",
    "my skin itches a little, is that common?",
    "can children have mesotherapy?",
    "is the stuff black or white?",
    "¿puede causar alergia?",
    "combien de temps durent les bleus?",
    "wie lange dauert die Schwellung?",
]


@pytest.mark.parametrize(("message", "category"), EMERGENCIES)
def test_an_emergency_is_recognised(message: str, category: str) -> None:
    flag = triage(message)
    assert flag is not None
    assert flag.category == category


@pytest.mark.parametrize("message", HARMLESS)
def test_what_only_sounds_like_one_is_not(message: str) -> None:
    assert triage(message) is None


@pytest.mark.parametrize("language", redflag_cases.EMERGENCIES)
def test_emergencies_and_their_look_alikes_are_told_apart_in_every_language(language: str) -> None:
    emergencies = redflag_cases.EMERGENCIES[language].splitlines()
    look_alikes = redflag_cases.LOOK_ALIKES[language].splitlines()
    asked = redflag_cases.IS_IT_NORMAL[language]
    assert [message for message in emergencies if triage(message) is None] == []
    assert [message for message in emergencies if triage(message + asked) is None] == []
    assert [message for message in look_alikes if triage(message)] == []


def test_an_emergency_deep_in_a_long_message_is_found() -> None:
    story = "I had my session on Tuesday and the nurse was kind and the parking was easy. " * 12
    assert (
        triage(story + "Since an hour my tongue is swelling and I can't breathe. " + story)
        is not None
    )


@given(st.text(max_size=400))
def test_any_text_is_judged_and_twice_the_same(text: str) -> None:
    assert triage(text) == triage(text)


@pytest.mark.parametrize(
    "unit", ["throat ", "no no ", "a", "can't breathe? ", "swollen (", "。", "my face my face "]
)
def test_the_work_grows_with_the_length_and_not_with_its_square(unit: str) -> None:
    def cost(length: int) -> float:
        text = (unit * length)[:length]
        best = 9.0
        for _ in range(3):
            started = time.perf_counter()
            triage(text)
            best = min(best, time.perf_counter() - started)
        return best

    triage(unit)
    assert cost(2000) < 40 * cost(200) + 0.01
