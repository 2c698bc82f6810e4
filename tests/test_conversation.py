"""A visitor's conversation: what is shown, what is remembered, what is counted, what ends it."""

import asyncio
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import HTTPConnection

from assistant import wording
from assistant.api import Metrics
from assistant.chat import forget_idle
from assistant.conversation import Conversation, View
from assistant.feedback import FeedbackStore
from assistant.messages import REWORD
from assistant.sites import DEFAULT
from assistant.values import Kind
from assistant.visit import Visit
from tests.fakes import slow_service


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Conversation:
    monkeypatch.setattr("assistant.conversation.GLANCE", 0.01)
    feedback = FeedbackStore(f"sqlite:///{tmp_path}/feedback.db")
    return Conversation(replace(slow_service(), feedback=feedback), Metrics())


def kept(talk: Conversation) -> list[tuple[object, ...]]:
    return [(e.reply, e.kind, e.helpful, e.reason) for e in talk.service.feedback.all()]


def request(client: str = "127.0.0.1") -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], "client": (client, 1)})


async def views(
    talk: Conversation, question: str, visit: Visit, client: str = "127.0.0.1"
) -> list[View]:
    return [view async for view in talk.ask(question, visit, request(client))]


def text(view: View) -> str:
    return view.messages[-1]["content"]


def ask(talk: Conversation, question: str, visit: Visit) -> View:
    return asyncio.run(views(talk, question, visit))[-1]


def test_the_stages_are_shown_while_the_reply_is_made(talk: Conversation) -> None:
    shown = asyncio.run(views(talk, "Hi?", Visit()))
    assert wording.say("en", "status", "reading") in text(shown[0])
    assert not shown[0].working  # too early to offer a button that would jump about
    assert any(wording.say("en", "status", "searching") in text(v) and v.working for v in shown)
    assert "<article" in text(shown[-1])
    assert not shown[-1].working


def test_ten_turns_are_kept_and_sent_as_questions_only(talk: Conversation) -> None:
    visit = Visit()
    for n in range(12):
        ask(talk, f"Question {n}?", visit)
    assert len(visit.turns) == 10
    engine = talk.here(visit).engine
    assert engine.asked[-1].history == tuple(f"Question {n}?" for n in range(1, 11))


def test_a_visitor_who_leaves_ends_the_work(talk: Conversation) -> None:
    visit = Visit()

    async def run() -> None:
        answers = talk.ask("Hi?", visit, request())
        await anext(answers)
        await anext(answers)
        await answers.aclose()
        await asyncio.sleep(0)

    asyncio.run(run())
    assert talk.service.default.engine.cancelled
    assert (visit.work, visit.turns) == (None, ())


def test_stop_ends_the_work_and_offers_to_ask_again(talk: Conversation) -> None:
    visit = Visit()

    async def run() -> View:
        answers = talk.ask("Hi?", visit, request())
        await anext(answers)
        talk.stop(Visit())  # somebody else's
        await anext(answers)
        talk.stop(visit)
        return [view async for view in answers][-1]

    last = asyncio.run(run())
    assert talk.service.default.engine.cancelled
    assert wording.say("en", "page", "stopped") in text(last)
    assert last.messages[-1]["options"] == [{"label": "Try again", "value": "Hi?"}]
    assert last.transcript == ""
    assert talk.metrics.stopped._value.get() == 1
    again = ask(talk, "Hi?", visit)
    assert len(again.messages) == 2  # asked again, it stands once
    assert talk.here(visit).engine.asked[-1].history == ()


def test_a_question_is_asked_at_once_whatever_is_worked_on(talk: Conversation) -> None:
    visit = Visit()

    async def run() -> list[View]:
        first = asyncio.create_task(views(talk, "How long?", visit))
        await asyncio.sleep(0.03)
        second = await views(talk, "I can't breathe", visit)
        return [second[0], second[-1], (await first)[-1]]

    begun, ended, late = asyncio.run(run())
    stopped = wording.say("en", "page", "stopped")
    assert [stopped in m["content"] for m in begun.messages] == [False, True, False, False]
    assert [stopped in m["content"] for m in ended.messages] == [False, True, False, False]
    assert "I can&#x27;t breathe" in str(late.messages)  # nothing that comes late shows less
    assert [bool(turn.reply) for turn in visit.turns] == [False, True]
    assert talk.here(visit).engine.asked[-1].history == ()
    assert not ended.working


def test_what_is_asked_twice_at_the_same_time_is_answered_once(talk: Conversation) -> None:
    visit = Visit()

    async def run() -> None:
        await asyncio.gather(views(talk, "Hi?", visit), views(talk, "Hi?", visit))

    asyncio.run(run())
    assert [turn.question for turn in visit.turns] == ["Hi?"]
    assert len(talk.here(visit).engine.asked) == 1


def test_an_answer_that_is_there_is_not_lost_to_the_next_question(talk: Conversation) -> None:
    visit = Visit()

    async def run() -> None:
        first = talk.ask("First?", visit, request())
        await anext(first)
        await visit.work.task  # answered, before it was shown
        await views(talk, "Second?", visit)
        await first.aclose()

    asyncio.run(run())
    assert [(t.question, bool(t.reply)) for t in visit.turns] == [
        ("First?", True),
        ("Second?", True),
    ]


def test_what_is_cleared_while_it_is_answered_does_not_come_back(talk: Conversation) -> None:
    visit = Visit()

    async def run() -> View:
        answers = talk.ask("Hi?", visit, request())
        await anext(answers)
        await asyncio.sleep(0.02)
        talk.forget(visit)
        return [view async for view in answers][-1]

    last = asyncio.run(run())
    assert talk.service.default.engine.cancelled
    assert visit.turns == ()
    assert "Hi?" not in str(last.messages)


def test_site_and_locale_of_the_address_are_looked_up_and_kept(talk: Conversation) -> None:
    visit = talk.begin({"site": "rose", "locale": "de-AT"})
    assert (visit.site, visit.locale) == ("rose", "de")
    shown = ask(talk, "Hallo?", visit)
    assert talk.service.embedded["rose"].engine.asked[-1].locale == "de"
    assert wording.notice_for(Kind.SMALLTALK, "de", "999").text.split(".")[0] in text(shown)
    assert "Welcome to Rose." in text(talk.forget(visit))
    assert (visit.site, visit.locale) == ("rose", "de")


@pytest.mark.parametrize("query", [{}, {"site": "../etc", "locale": "<b>"}, {"site": ""}])
def test_an_unknown_site_or_locale_is_the_default_one(talk: Conversation, query: dict) -> None:
    visit = talk.begin(query)
    assert (visit.site, visit.locale) == (DEFAULT, "en")


def test_whoever_asks_too_much_is_told_how_long_and_nothing_is_computed(
    talk: Conversation,
) -> None:
    visit = talk.begin({"site": "rose"})

    async def run() -> list[View]:
        return [(await views(talk, f"Hi {n}?", visit, "203.0.113.9"))[-1] for n in range(3)]

    *_, last = asyncio.run(run())
    assert len(talk.service.embedded["rose"].engine.asked) == 2
    said = wording.say("en", "page", "busy", seconds="\0", emergency="999").split("\0")[0]
    assert said in text(last)
    assert wording.notice_for(Kind.UNAVAILABLE, "en", "999").text.split("'")[0] in text(last)
    assert last.messages[-1]["options"] == [{"label": "Try again", "value": "Hi 2?"}]
    assert visit.history() == ("Hi 0?", "Hi 1?")


def test_nobody_is_too_many_for_an_emergencys_card(talk: Conversation) -> None:
    visit = talk.begin({"site": "rose"})

    async def run() -> View:
        for n in range(3):
            await views(talk, f"Hi {n}?", visit, "203.0.113.9")
        return (await views(talk, "I can't breathe", visit, "203.0.113.9"))[-1]

    assert 'class="alarm"' in text(asyncio.run(run()))
    assert len(talk.service.embedded["rose"].engine.asked) == 2


def test_a_misunderstood_question_comes_back_and_is_read_by_itself(talk: Conversation) -> None:
    visit = Visit()
    engine = talk.service.default.engine
    ask(talk, "How long?", visit)
    engine.reply = {"understood_as": "How long is a plum?"}
    shown = ask(talk, "And that?", visit)
    assert {"label": "Not what I meant", "value": REWORD} in shown.messages[-1]["options"]
    back = talk.reword(visit)
    assert (back.box, back.hint) == ("And that?", wording.say("en", "page", "reword"))
    assert "And that?" not in str(back.messages)
    ask(talk, "How long is a pear?", visit)
    assert engine.asked[-1].history == ()
    ask(talk, "And a plum?", visit)
    assert engine.asked[-1].history[-1] == "How long is a pear?"


def test_a_broken_reply_can_be_asked_for_again(talk: Conversation) -> None:
    talk.service.default.engine.reply = {"kind": Kind.UNAVAILABLE}
    shown = ask(talk, "Hi?", Visit())
    assert {"label": "Try again", "value": "Hi?"} in shown.messages[-1]["options"]


def test_a_thumb_is_kept_and_a_reason_may_follow_when_it_is_down(talk: Conversation) -> None:
    visit = Visit()
    ask(talk, "Hi?", visit)
    reply = visit.turns[0].reply

    async def run() -> None:
        up = await talk.rate(visit, 1, thumb=True, request=request())
        assert (up.thumbs, up.reasons) == ([True], False)
        assert kept(talk) == [(reply.id, "smalltalk", True, "")]
        down = await talk.rate(visit, 1, thumb=False, request=request())
        assert (down.thumbs, down.reasons) == ([False], True)
        assert await talk.explain(visit, "  Too short. " + "x" * 900, request()) == ""
        assert visit.rated is None
        assert await talk.explain(visit, "   ", request()) == ""

    asyncio.run(run())
    [entry] = kept(talk)  # one a reply
    assert entry[:3] == (reply.id, "smalltalk", False)
    assert entry[3].startswith("Too short.")
    assert len(entry[3]) == 500


def test_a_thumb_for_what_is_no_reply_is_not_kept(talk: Conversation) -> None:
    visit = Visit()

    async def run() -> None:
        for index, thumb in [(0, True), (7, True), (-3, True), (1, "spam")]:
            assert (await talk.rate(visit, index, thumb, request())).thumbs == []

    asyncio.run(run())
    assert kept(talk) == []


def test_a_thumb_pressed_while_an_answer_is_made_stays(talk: Conversation) -> None:
    visit = Visit()
    ask(talk, "First?", visit)

    async def run() -> View:
        answers = talk.ask("Second?", visit, request())
        await anext(answers)
        await talk.rate(visit, 1, thumb=True, request=request())
        shown = [view async for view in answers]
        assert all(view.thumbs[0] is True for view in shown)
        return shown[-1]

    assert asyncio.run(run()).thumbs == [True, None]


def test_what_is_answered_while_a_thumb_is_written_stays(talk: Conversation) -> None:
    visit = Visit()
    ask(talk, "First?", visit)
    answered, add = threading.Event(), talk.service.feedback.add

    def slowly(*entry: object) -> None:
        answered.wait(5)
        add(*entry)

    talk.service.feedback.add = slowly

    async def run() -> View:
        rating = asyncio.create_task(talk.rate(visit, 1, thumb=False, request=request()))
        await asyncio.sleep(0)
        await views(talk, "Second?", visit)
        answered.set()
        return await rating

    last = asyncio.run(run())
    assert [turn.question for turn in visit.turns] == ["First?", "Second?"]
    assert (last.thumbs, last.reasons) == ([False, None], True)


def test_a_thumb_that_is_not_kept_is_not_shown(talk: Conversation, caplog) -> None:
    visit = talk.begin({"site": "rose"})

    def broken(*entry: object) -> None:
        raise OperationalError("insert", {"reason": "private words"}, Exception("private words"))

    async def run() -> None:
        await views(talk, "Hi?", visit, "203.0.113.9")
        await talk.rate(visit, 1, False, request("203.0.113.9"))
        assert visit.rated
        many = await talk.rate(visit, 1, True, request("203.0.113.9"))
        assert (many.thumbs, many.reasons) == ([False], True)
        wrong = await talk.explain(visit, "Too short.", request("203.0.113.9"))
        assert wrong.startswith(wording.raw("en", "page", "busy").split("{")[0])
        talk.service.feedback.add = broken
        assert (await talk.rate(visit, 1, True, request())).thumbs == [False]
        assert "999" in await talk.explain(visit, "Too short.", request())
        assert visit.rated  # the reason can be sent again

    asyncio.run(run())
    assert [entry[2:] for entry in kept(talk)] == [(False, "")]
    assert "OperationalError" in caplog.text
    assert "private words" not in caplog.text


def test_what_was_said_can_be_taken_along_as_text_with_every_notice(talk: Conversation) -> None:
    visit = talk.begin({"site": "rose"})
    assert talk.view(visit).transcript == ""
    for question in ("Hi?", "And <that>?"):
        said = ask(talk, question, visit).transcript
    assert "You asked: And <that>?" in said
    assert said.count(wording.notice_for(Kind.SMALLTALK, "en", "999").text) == 2


def test_idle_sessions_are_forgotten_whole() -> None:
    now = datetime(2026, 1, 1, 12)  # noqa: DTZ001  Gradio's are local, too
    used = {"old": now - timedelta(hours=2), "new": now}
    holder = SimpleNamespace(time_last_used=used, session_data={"old": "words", "new": "words"})
    forget_idle(holder, now - timedelta(hours=1))
    assert set(holder.session_data) == set(holder.time_last_used) == {"new"}
