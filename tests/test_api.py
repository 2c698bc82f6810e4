"""HTTP version 1: the contract, bad input, events."""

import asyncio
import json

import httpx
import pytest

JSON = {"content-type": "application/json"}


def post(client, body, **headers):
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post("/api/v1/ask", content=content, headers={**JSON, **headers})


def events(response) -> list[tuple[str, object]]:
    blocks = [b for b in response.text.split("\n\n") if b.strip()]
    parsed = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(p["event"], json.loads(p["data"])) for p in parsed]


def test_an_answer_has_the_documented_shape_and_exact_offsets(client) -> None:
    reply = post(client, {"question": "How long does bruising last?"}).json()
    assert set(reply) >= {
        "id", "kind", "lead", "statements", "citations", "sources_disagree", "understood_as",
        "suggestions", "actions", "notice", "locale",
    }  # fmt: skip
    assert reply["kind"] == "answer"
    for citation in reply["citations"]:
        source = client.get(f"/api/v1/sources/{citation['source']}").json()
        assert source["text"][citation["start"] : citation["end"]] == citation["quote"]
        assert source["sha256"] == citation["sha256"]
    numbers = {c["number"] for c in reply["citations"]}
    assert all(s["citations"] and set(s["citations"]) <= numbers for s in reply["statements"])


def test_sources_are_listed_with_what_a_reader_should_know(client) -> None:
    sources = client.get("/api/v1/sources").json()
    assert len(sources) == 5
    assert all(s["caution"] and s["reviewed_by"] is None for s in sources)
    assert "text" not in sources[0]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"question": "x" * 5000}, {}, 422),
        ({"question": 5}, {}, 422),
        ({}, {}, 422),
        ([1, 2], {}, 422),
        ("{not json", {}, 422),
        ("", {}, 422),
        ({"question": "hi", "history": ["x"] * 11}, {}, 422),
        ({"question": "hi", "history": "x"}, {}, 422),
        ({"question": "hi", "site": "nowhere"}, {}, 404),
        ({"question": "x" * 70_000}, {}, 413),
        ({"question": "hi"}, {"content-type": "text/plain"}, 422),
        ({"question": "<script>alert(1)</script>" * 200}, {}, 422),
        ({"question": "x" * 5000}, {"accept": "text/event-stream"}, 422),
    ],
)
def test_bad_input_is_a_problem_document_with_the_notice(client, body, headers, status) -> None:
    response = post(client, body, **headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert "medical advice" in problem["notice"]["text"]
    assert "<script>" not in response.text


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \t ",
        "😀",
        "asdfghjkl qwertz",
        "\u202ehow\u202c",
        "a\u200bb",
        "<b>hi</b>",
        '{"kind": "urgent"}',
        "'; DROP TABLE",
        "\ud83d",
    ],
)
def test_odd_questions_get_a_reply_with_the_notice(client, question: str) -> None:
    response = post(client, {"question": question})
    assert response.status_code == 200
    assert response.json()["notice"]["text"]


@pytest.mark.parametrize("path", ["/api/v1/sources/nope", "/sources/nope", "/nowhere"])
def test_unknown_addresses_are_problem_documents(client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["notice"]["text"]


def test_a_chunked_body_cannot_get_around_the_limit(client) -> None:
    def chunks():
        for _ in range(100):
            yield b" " * 1000

    assert client.post("/api/v1/ask", content=chunks(), headers=JSON).status_code == 413


def test_events_bring_the_notice_first_and_only_checked_statements(client) -> None:
    asked = {"question": "how long does the itching last?"}
    response = post(client, asked, accept="text/event-stream")
    assert response.headers["content-type"].startswith("text/event-stream")
    got = events(response)
    whole = post(client, asked).json()
    names = [name for name, _ in got]
    assert names[0] == "meta"
    assert names[-2:] == ["citations", "done"]
    assert got[0][1]["notice"] == whole["notice"]
    assert [data for name, data in got if name == "statement"] == whole["statements"]
    assert dict(got)["citations"] == whole["citations"]


def test_an_emergency_is_one_event_first_and_alone(client) -> None:
    got = events(post(client, {"question": "I can't breathe"}, accept="text/event-stream"))
    assert [name for name, _ in got] == ["urgent"]
    assert got[0][1]["actions"][0]["href"] == "tel:911"
    assert got[0][1]["notice"]["text"]


def test_a_reading_that_changes_nothing_for_the_visitor_is_not_shown(client) -> None:
    asked = {"question": "what does it cost", "history": ["How long does itching last?"]}
    reply = post(client, asked).json()
    assert (reply["kind"], reply["understood_as"]) == ("not_covered", None)


def test_feedback_is_kept_without_the_conversation(client) -> None:
    reply = post(client, {"question": "is it safe?"}).json()
    body = {"reply": reply["id"], "kind": reply["kind"], "helpful": False, "reason": "too long"}
    assert client.post("/api/v1/feedback", json=body).status_code == 204
    kept = client.app.state.service.feedback.all()[-1]
    assert (kept.reply, kept.kind, kept.helpful, kept.reason) == (
        reply["id"],
        reply["kind"],
        False,
        "too long",
    )
    assert client.post("/api/v1/feedback", json={"reply": "1"}).status_code == 422


def test_a_source_opens_at_the_highlighted_passage(client) -> None:
    citation = post(client, {"question": "who invented it?"}).json()["citations"][0]
    page = client.get(citation["href"])
    marked = page.text.split('<mark id="passage">')[1].split("</mark>")[0]
    assert marked == citation["quote"]
    assert "medical advice" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_health_readiness_and_metrics(client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"
    metrics = client.get("/metrics").text
    assert 'footnote_replies_total{kind="answer"}' in metrics


def test_the_openapi_document_has_examples_and_every_route(client) -> None:
    document = client.get("/openapi.json").json()
    assert {
        "/api/v1/ask",
        "/api/v1/sources",
        "/api/v1/sources/{source_id}",
        "/api/v1/feedback",
    } <= set(document["paths"])
    assert document["components"]["schemas"]["AskBody"]["examples"]


def test_security_headers_are_on_every_response(client) -> None:
    for path in ("/healthz", "/nowhere", "/api/v1/sources"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_questions_of_the_bank_get_exact_quotes_and_the_notice(client, engine) -> None:
    """The property over every sixth question of the bank, over HTTP, many askers at once."""
    texts = {
        s["id"]: client.get(f"/api/v1/sources/{s['id']}").json()
        for s in client.get("/api/v1/sources").json()
    }
    questions = [question.text for question in engine.assistant.knowledge.questions][::6]

    async def ask_all() -> list[dict]:
        transport = httpx.ASGITransport(client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            replies: list[dict] = []
            for start in range(0, len(questions), 64):
                asked = [
                    http.post("/api/v1/ask", json={"question": q})
                    for q in questions[start : start + 64]
                ]
                replies += [response.json() for response in await asyncio.gather(*asked)]
            return replies

    replies = asyncio.run(ask_all())
    assert len(replies) == len(questions) > 300
    quoted = 0
    for question, reply in zip(questions, replies, strict=True):
        assert reply["kind"] != "unavailable", question
        assert reply["notice"]["text"], question
        assert bool(reply["statements"]) <= (reply["kind"] in ("answer", "personal")), question
        for citation in reply["citations"]:
            source = texts[citation["source"]]
            assert source["text"][citation["start"] : citation["end"]] == citation["quote"], (
                question
            )
            assert source["sha256"] == citation["sha256"]
            assert "voteCount" not in citation["quote"]
            assert "Thank you for your question" not in citation["quote"]
            quoted += 1
    assert quoted > 1000
