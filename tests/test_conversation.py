"""A visitor's conversation: what is shown, what is remembered, what is counted, what ends it."""

import asyncio
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from starlette.requests import HTTPConnection

from assistant import wording
from assistant.api import Metrics
from assistant.chat import forget_idle
from assistant.conversation import Conversation, View
from assistant.messages import REWORD, Session
from assistant.sites import DEFAULT
from assistant.values import Kind
from tests.fakes import slow_service


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Conversation:
    monkeypatch.setattr("assistant.conversation.GLANCE", 0.01)
    return Conversation(slow_service(), Metrics())


def request(client: str = "127.0.0.1") -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], "client": (client, 1)})


async def views(
    talk: Conversation, question: str, session: Session, client: str = "127.0.0.1"
) -> list[View]:
    return [view async for view in talk.ask(question, session, "tab", request(client))]


def text(view: View) -> str:
    return view.messages[-1]["content"]


def ask(talk: Conversation, question: str, session: Session) -> View:
    return asyncio.run(views(talk, question, session))[-1]


def test_the_stages_are_shown_while_the_reply_is_made(talk: Conversation) -> None:
    shown = asyncio.run(views(talk, "Hi?", Session()))
    assert wording.say("en", "status", "reading") in text(shown[0])
    assert not shown[0].working  # too early to offer a button that would jump about
    assert any(wording.say("en", "status", "searching") in text(v) and v.working for v in shown)
    assert "<article" in text(shown[-1])
    assert not shown[-1].working


def test_ten_turns_are_kept_and_sent_as_questions_only(talk: Conversation) -> None:
    session = Session()
    for n in range(12):
        session = ask(talk, f"Question {n}?", session).session
    assert len(session.turns) == 10
    engine = talk.here(session).engine
    assert engine.asked[-1].history == tuple(f"Question {n}?" for n in range(1, 11))


def test_a_visitor_who_leaves_ends_the_work(talk: Conversation) -> None:
    async def run() -> None:
        answers = talk.ask("Hi?", Session(), "tab", request())
        await anext(answers)
        await anext(answers)
        await answers.aclose()
        await asyncio.sleep(0)

    asyncio.run(run())
    assert talk.service.default.engine.cancelled


def test_stop_ends_the_work_and_offers_to_ask_again(talk: Conversation) -> None:
    async def run() -> View:
        answers = talk.ask("Hi?", Session(), "tab", request())
        await anext(answers)
        talk.stop("another tab")
        await anext(answers)
        talk.stop("tab")
        return [view async for view in answers][-1]

    last = asyncio.run(run())
    assert talk.service.default.engine.cancelled
    assert wording.say("en", "page", "stopped") in text(last)
    assert last.messages[-1]["options"] == [{"label": "Try again", "value": "Hi?"}]
    assert last.session.turns == ()
    assert talk.metrics.stopped._value.get() == 1


def test_what_is_cleared_while_it_is_answered_does_not_come_back(talk: Conversation) -> None:
    async def run() -> View:
        answers = talk.ask("Hi?", Session(), "tab", request())
        await anext(answers)
        await asyncio.sleep(0.02)
        talk.forget(Session(), "tab")
        return [view async for view in answers][-1]

    last = asyncio.run(run())
    assert talk.service.default.engine.cancelled
    assert last.session.turns == ()
    assert "Hi?" not in str(last.messages)


def test_site_and_locale_of_the_address_are_looked_up_and_kept(talk: Conversation) -> None:
    session = talk.begin({"site": "rose", "locale": "de-AT"})
    assert (session.site, session.locale) == ("rose", "de")
    shown = ask(talk, "Hallo?", session)
    assert talk.service.embedded["rose"].engine.asked[-1].locale == "de"
    assert wording.notice_for(Kind.SMALLTALK, "de", "999").text.split(".")[0] in text(shown)
    assert (shown.session.site, shown.session.locale) == ("rose", "de")
    assert "Welcome to Rose." in text(talk.empty(session))


@pytest.mark.parametrize("query", [{}, {"site": "../etc", "locale": "<b>"}, {"site": ""}])
def test_an_unknown_site_or_locale_is_the_default_one(talk: Conversation, query: dict) -> None:
    assert talk.begin(query) == Session(DEFAULT, "en")


def test_whoever_asks_too_much_is_told_how_long_and_nothing_is_computed(
    talk: Conversation,
) -> None:
    async def run() -> list[View]:
        session = talk.begin({"site": "rose"})
        return [(await views(talk, "Hi?", session, "203.0.113.9"))[-1] for _ in range(3)]

    *_, last = asyncio.run(run())
    assert len(talk.service.embedded["rose"].engine.asked) == 2
    said = wording.say("en", "page", "busy", seconds="\0", emergency="999").split("\0")[0]
    assert said in text(last)
    assert wording.notice_for(Kind.UNAVAILABLE, "en", "999").text.split("'")[0] in text(last)
    assert last.messages[-1]["options"] == [{"label": "Try again", "value": "Hi?"}]
    assert last.session.turns == ()


def test_a_misunderstood_question_comes_back_and_is_read_by_itself(talk: Conversation) -> None:
    engine = talk.service.default.engine
    session = ask(talk, "How long?", Session()).session
    engine.reply = {"understood_as": "How long is a plum?"}
    shown = ask(talk, "And that?", session)
    assert {"label": "Not what I meant", "value": REWORD} in shown.messages[-1]["options"]
    back = talk.reword(shown.session)
    assert (back.box, back.hint) == ("And that?", wording.say("en", "page", "reword"))
    assert "And that?" not in str(back.messages)
    again = ask(talk, "How long is a pear?", back.session)
    assert engine.asked[-1].history == ()
    ask(talk, "And a plum?", again.session)
    assert engine.asked[-1].history[-1] == "How long is a pear?"


def test_a_broken_reply_can_be_asked_for_again(talk: Conversation) -> None:
    talk.service.default.engine.reply = {"kind": Kind.UNAVAILABLE}
    shown = ask(talk, "Hi?", Session())
    assert {"label": "Try again", "value": "Hi?"} in shown.messages[-1]["options"]


def test_a_thumb_is_kept_and_a_reason_may_follow_when_it_is_down(talk: Conversation) -> None:
    session = ask(talk, "Hi?", Session()).session
    reply = session.turns[0].reply

    async def run() -> None:
        up = await talk.rate(session, 1, thumb=True, request=request())
        assert up.rated is None
        assert up.turns[0].helpful is True
        down = await talk.rate(session, 1, thumb=False, request=request())
        assert down.rated == 0
        assert (await talk.explain(down, "  Too short. " + "x" * 900, request())).rated is None
        assert (await talk.explain(down, "   ", request())).rated is None

    asyncio.run(run())
    kept = talk.service.feedback
    assert [entry[:3] for entry in kept] == [
        (reply.id, "smalltalk", True), (reply.id, "smalltalk", False), (reply.id, "smalltalk", False),
    ]  # fmt: skip
    assert kept[0][3] == kept[1][3] == ""
    assert kept[2][3].startswith("Too short.")
    assert len(kept[2][3]) == 500


def test_a_thumb_for_what_is_no_reply_is_not_kept(talk: Conversation) -> None:
    async def run() -> None:
        for index, thumb in [(0, True), (7, True), (-3, True), (1, "spam")]:
            assert await talk.rate(Session(), index, thumb, request()) == Session()

    asyncio.run(run())
    assert talk.service.feedback == []


def test_what_was_said_can_be_taken_along_as_text_with_every_notice(talk: Conversation) -> None:
    session = talk.begin({"site": "rose"})
    assert talk.messages(session).transcript() == ""
    for question in ("Hi?", "And <that>?"):
        session = ask(talk, question, session).session
    said = talk.messages(session).transcript()
    assert "You asked: And <that>?" in said
    assert said.count(wording.notice_for(Kind.SMALLTALK, "en", "999").text) == 2


def test_idle_sessions_are_forgotten_whole() -> None:
    now = datetime(2026, 1, 1, 12)  # noqa: DTZ001  Gradio's are local, too
    used = {"old": now - timedelta(hours=2), "new": now}
    holder = SimpleNamespace(time_last_used=used, session_data={"old": "words", "new": "words"})
    forget_idle(holder, now - timedelta(hours=1))
    assert set(holder.session_data) == set(holder.time_last_used) == {"new"}
