"""Triage: emergencies in lay words are found, what only sounds like one is not, and it is quick."""

import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.rulebook import FOLDER, ORDER, compile_rules, rulebook, spell
from assistant.triage import RedFlag, triage
from tests.conftest import ROOT

EUROPEAN = ("en", "es", "fr", "pt", "de", "it", "nl", "pl", "tr")
ENGINE_GUARDS = {
    "figure", "negation", "filler", "or", "subject", "break", "general", "asserting", "past",
    "present", "now", "resolved", "relapse", "treatment", "lately",
}  # fmt: skip

EMERGENCIES = {
    "anaphylaxis": [
        "cant get air in",
        "i sound like a frog since the shots and swallowing is weird",
        "LIPS LIKE BALLOONS",
        "my tongue does not fit in my mouth",
        "face blew up in ten minutes, my eyes are slits",
        "I can only say two words before I need another breath",
        "hives from head to toe and I threw up",
        "he is turning blue",
        "tea doesn't want to go down any more",
        "is it normal that my throat is closing",
        "what if my lips are swollen and I can't breathe",
        "no fever but I can't breathe",
    ],
    "infection": [
        "red line going up my arm",
        "burning up and shaking",
        "The redness has spread across my whole thigh since this morning",
        "39.5 fever and the spot is leaking pus",
        "the wound smells like something died",
    ],
    "necrosis": [
        "skin gone black and cold",
        "there's a hole in my thigh, I can see the fat",
        "my cheek looks like marble, ice cold, and the pain is unbearable",
        "the skin is coming off in sheets",
    ],
    "circulation": [
        "chest feels like an elephant sits on it",
        "half my face droops",
        "words come out wrong",
        "my left arm went numb and I'm sweating",
        "worst headache of my life, out of nowhere",
        "my calf is swollen and hot and I get out of breath brushing my teeth",
        "mum doesn't know where she is",
    ],
    "fainting": [
        "my friend collapsed after her shots and won't wake up, is that normal",
        "woke up on the bathroom floor",
        "she's shaking all over and foaming at the mouth",
        "about to pass out, cold sweat",
    ],
    "sight": [
        "everything went dark in one eye",
        "like a curtain coming down over half of what I see",
        "I can't see out of my left eye",
    ],
    "bleeding": [
        "soaked the towel with blood",
        "been pressing for an hour and it won't stop bleeding",
        "the bruise doubles every hour and is hard as stone",
    ],
    "overdose": [
        "took the whole vial",
        "I injected it into a vein by mistake",
        "swallowed 30 painkillers",
        "they used the wrong vial on me",
    ],
    "child": [
        "my toddler stuck the needle",
        "my 3 year old drank from the ampoule",
        "the baby has my numbing cream all over his mouth",
    ],
    "suicide": [
        "dont want to be here anymore",
        "I want to die, I look like a monster",
        "how many of these do I have to take to die",
        "everyone would be better off without me",
    ],
}
OTHER_LANGUAGES = {
    "anaphylaxis": [
        "no puedo respirar y tengo la lengua como un globo",
        "j'arrive plus à respirer, ma gorge se ferme",
        "estou sem ar e a garganta fechando",
        "ich krieg keine Luft, mein Hals schwillt zu",
        "mi manca il fiato e ho le labbra gonfissime",
        "я не могу дышать",
        "打完针后我喘不过气",
        "لا أستطيع التنفس بعد الحقنة",
    ],
    "circulation": [
        "a mi padre se le torció la boca y no se le entiende nada",
        "j'ai un poids sur la poitrine et le bras gauche engourdi",
        "aperto no peito e suor frio",
        "sein Mundwinkel hängt und er lallt",
        "ho un peso enorme sul petto",
    ],
    "fainting": [
        "se desmayó y no reacciona",
        "elle a perdu connaissance",
        "ela desmaiou e não acorda",
        "sie ist umgekippt und reagiert nicht",
        "è svenuta e non si sveglia",
    ],
    "infection": [
        "tengo 40 de fiebre y la pierna roja y caliente",
        "une ligne rouge remonte le long de ma jambe",
        "tá saindo pus e fedendo",
        "Schüttelfrost und die Einstiche eitern",
        "il rossore si allarga e ho i brividi",
    ],
    "suicide": [
        "ya no quiero vivir",
        "je pense à en finir",
        "quero sumir desse mundo",
        "ich will nicht mehr leben",
        "voglio farla finita",
    ],
}
LOOK_ALIKES = [
    # asked in general
    "can mesotherapy cause trouble breathing?",
    "what are the signs of an allergic reaction, swollen lips, hives, trouble breathing?",
    "has anyone ever died of this",
    "what happens if somebody faints during the session",
    "is there a risk of necrosis or sepsis?",
    "if my tongue swells what do I do",
    # told by others
    "I read about a woman whose skin went black after it. How often does that happen?",
    "a friend told me her lips swelled up after it, is that common?",
    # denied
    "no trouble breathing, no chest pain, just a bruise",
    "there is no redness, fever, pus or chest pain, only a lump",
    "I'm not bleeding and my throat isn't swollen, I only want to book",
    # long ago, or over
    "years ago I fainted at a blood test, should I say so?",
    "A few years ago I ate cashews. My throat swelled up and I couldn't breathe. May I have it?",
    "my lip swelled up yesterday but it went away, all good now",
    # feared
    "I'm afraid that I might pass out when I see the needle",
    # figures of speech
    "dying to try it",
    "nearly had a heart attack when I saw the price",
    "breathtaking before and after photos",
    "this itch is killing me",
    "I can't see any difference yet",
    "a faint pink line where the needle was",
    "you're a lifesaver, I can breathe again",
    # mild and expected
    "small bruise, slight swelling at the injection, a bit sore",
    "my thighs are black and blue, when does it fade",
    "a drop of blood came out, normal?",
    "my face is a bit puffy after the vitamins",
    # other languages
    "¿la mesoterapia puede provocar dificultad para respirar?",
    "me muero por ver los resultados",
    "est-ce que des gens en sont morts ?",
    "je ne vois aucune différence",
    "Kann man davon Atemnot bekommen?",
    "ich hatte vor Jahren einen Schlaganfall, darf ich das machen?",
    "pode dar falta de ar?",
    "morro de medo de agulha",
    "può causare problemi di respirazione?",
    "会不会导致呼吸困难？",
    "может ли мезотерапия вызвать удушье?",
]
# Whatever stands around it, each of these stays an emergency.
CORES = [
    "my throat is closing",
    "trouble breathing",
    "lips like balloons",
    "chest pain",
    "my face is drooping",
    "she collapsed",
    "my sister had a seizure",
    "can't see out of my left eye",
    "won't stop bleeding",
    "skin turned black and cold",
    "red streaks up my leg",
    "my toddler swallowed the vial",
]
BEFORE = [
    "of course ",
    "I'm diabetic and ",
    "no fever, ",
    "The nurse told me that it's normal, ",
    "I read that swelling is normal. ",
    "I had my first session last month, ",
    "at 10 I had my jabs, ",
    "What do I do, ",
    "I'm so scared, ",
    "I don't know if it's bad, ",
    "I always faint at needles but this time ",
    "my mother died of a stroke, and ",
    "I have a bruise and ",
]
AFTER = [
    ", is that normal?",
    ", is it a side effect?",
    ", does that happen often?",
    ", what can I do?",
    ", but no fever",
    " haha",
    ". What are the signs of an allergy?",
    ". How much is the next session?",
]


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(message, category) for category, group in table.items() for message in group]


@pytest.mark.parametrize(("message", "category"), cases(EMERGENCIES) + cases(OTHER_LANGUAGES))
def test_an_emergency_is_recognised_with_its_category(message: str, category: str) -> None:
    flag = triage(message)
    assert flag is not None
    assert flag.category == category


@pytest.mark.parametrize("message", LOOK_ALIKES)
def test_a_look_alike_raises_nothing(message: str) -> None:
    assert triage(message) is None


@pytest.mark.parametrize("core", CORES)
def test_no_surroundings_silence_an_emergency(core: str) -> None:
    messages = [before + core for before in BEFORE] + [core + after for after in AFTER]
    assert [message for message in messages if triage(message) is None] == []


@pytest.mark.parametrize(
    "message",
    [
        "i cant brethe",
        "my tounge is swoolen",
        "my throte is closeing",
        "she had a siezure",
        "unconcious after the shot",
        "bleading wont stop",
        "anaphilaxis i think",
        "I caaaaan't breeeathe",
        "i will k1ll my5elf",
    ],
)
def test_a_misspelt_emergency_is_recognised(message: str) -> None:
    assert triage(message) is not None


def test_an_emergency_deep_in_a_long_message_is_found_with_and_without_full_stops() -> None:
    calm = "the parking was easy to find and the nurse was lovely and I had tea afterwards. "
    message = calm * 10 + "Now my tongue is swelling. " + calm * 10
    for text in (message, message.replace(".", ""), message.upper()):
        assert triage(text) == RedFlag("anaphylaxis", "tongue is swelling")


def test_signs_that_are_harmless_alone_make_a_flag_together() -> None:
    assert triage("I had a headache and now a fever of 38.2 since Monday.") is None
    assert triage("The spot on my hip is red and hard.") is None
    both = triage("The spot on my hip is red and hard. I've had a fever of 38.2 since Monday.")
    assert both is not None
    assert both.category == "infection"


def test_the_most_different_advice_wins_when_several_flags_are_raised() -> None:
    flag = triage("my chest hurts and I want to kill myself")
    assert flag is not None
    assert flag.category == ORDER[0] == "suicide"


@pytest.mark.parametrize("language", EUROPEAN)
def test_every_language_knows_every_category_and_only_guards_that_the_engine_reads(
    language: str,
) -> None:
    data = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    assert {flag["category"] for flag in data["flag"] if "category" in flag} == set(ORDER)
    found = {name.removeprefix("not_") for name in data["guards"]}
    assert found | {"lately"} == ENGINE_GUARDS


def test_a_sign_that_is_put_together_exists() -> None:
    files = [tomllib.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.toml")]
    signs = {flag["sign"] for data in files for flag in data["flag"] if "sign" in flag}
    assert {sign for few, _, _ in rulebook().together for sign in few} <= signs


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ({"category": "sight", "any": ["<eye> + dark"]}, "No group <eye>"),
        ({"category": "boredom", "any": ["dull"]}, "No category 'boredom'"),
        ({"category": "sight", "any": ["dark > !"]}, "Empty phrase"),
    ],
)
def test_a_mistake_in_a_file_is_named(flag: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        compile_rules({"en": {"flag": [flag]}})


@pytest.mark.parametrize(
    "word", ["selling", "threat", "cielo", "livres", "blick", "perto", "patto"]
)
def test_a_common_word_near_a_key_word_stays_as_it_is(word: str) -> None:
    assert spell(rulebook(), word) == word


def test_the_bank_of_emergencies_is_met_but_for_a_few() -> None:
    bank = tomllib.loads((ROOT / "corpus/mesotherapy/bank/urgent-t.toml").read_text("utf-8"))
    raised = {True: [0, 0], False: [0, 0]}
    for entry, question in ((e, q) for e in bank["entry"] for q in e["questions"]):
        count = raised[entry["kind"] == "urgent"]
        count[0] += triage(question) is not None
        count[1] += 1
    assert raised[True][0] / raised[True][1] > 0.98
    assert raised[False][0] / raised[False][1] < 0.04


@given(st.text(max_size=300) | st.lists(st.sampled_from(CORES + BEFORE + AFTER)).map("".join))
def test_any_text_gets_the_same_verdict_twice(text: str) -> None:
    flag = triage(text)
    assert flag == triage(text)
    assert flag is None or flag.category in ORDER


@pytest.mark.parametrize(
    "unit",
    ["a", "no lips swell ", "can it cause trouble breathing ", "my my ", "not black skin if ",
     "can it make my skin go black? ", "会不会导致呼吸困难", "'", "throat close no "],
)  # fmt: skip
def test_the_work_grows_with_the_text_and_not_faster(unit: str) -> None:
    def cost(length: int) -> float:
        text = (unit * length)[:length]
        rounds = []
        for _ in range(5):
            begun = time.perf_counter()
            triage(text)
            rounds.append(time.perf_counter() - begun)
        return min(rounds)

    assert cost(2000) < 12 * cost(500) + 0.002
