"""What the page's HTML says of a reply, and the page of a source."""

import re
from datetime import date
from html import escape, unescape

import pytest

from assistant import markup, reader, wording
from assistant.values import (
    Action,
    Citation,
    Disagreement,
    Kind,
    Reply,
    Source,
    Span,
    Statement,
)

TEXT = "It <b>heals</b>.\nIt lasts days. It lasts weeks. It itches & burns."
SOURCE = Source("a&b", "Title <i>", TEXT, kind="web article", caution="Unsigned & unknown")


def said(words: str, theme: str = "") -> Statement:
    start = TEXT.index(words)
    return Statement(Citation(SOURCE, Span(start, start + len(words))), theme=theme)


HEALS, DAYS, WEEKS = (
    said("It <b>heals</b>.\nIt"),
    said("It lasts days.", "T"),
    said("It lasts weeks."),
)


def reply(kind: Kind = Kind.ANSWER, **rest: object) -> Reply:
    rest = {"statements": (DAYS,) if kind is Kind.ANSWER else (), "lead": "Lead.", **rest}
    return Reply(id="r1", kind=kind, locale=str(rest.pop("locale", "en")), **rest)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_reply_carries_its_notice_in_one_line_of_html(kind: Kind) -> None:
    shown = markup.as_html(reply(kind), "999")
    assert markup._escape(wording.notice_for(kind, "en", "999").text) in shown
    assert "\n" not in shown
    assert shown.startswith('<article class="reply')


def test_everything_foreign_is_escaped() -> None:
    evil = '<img src=x onerror="alert(1)">'
    shown = markup.as_html(
        reply(
            statements=(HEALS,),
            lead=evil,
            understood_as=evil,
            actions=(
                Action(evil, "https://clinic.test/?a=1&b='"),
                Action("x", "javascript:alert(1)"),
            ),
        )
    )
    assert "<img" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "javascript" not in shown
    assert "It &lt;b&gt;heals&lt;/b&gt;.&#10;It" in shown
    assert "/sources/a%26b?start=0&amp;end=" in shown
    assert evil not in markup.asked_html(evil, "en")


def test_a_mark_leads_to_an_id_inside_a_fold() -> None:
    shown = markup.as_html(reply())
    assert 'href="#note-r1-1"' in shown
    assert re.search(r"<details[^>]*><summary>.*?</summary><div id=\"note-r1-1\"", shown)
    assert 'target="_blank" rel="noopener"' in shown


def test_both_sides_of_a_disagreement_stand_once_as_a_pair() -> None:
    one = Disagreement("how long it lasts", ((1,), (0,)))
    shown = markup.as_html(reply(statements=(DAYS, WEEKS), disagreements=(one,)))
    body = shown.split('class="notes"')[0]
    assert body.count('class="side"') == 2
    assert body.count("It lasts days.") == body.count("It lasts weeks.") == 1
    assert body.index("Side 1") < body.index("days") < body.index("Side 2") < body.index("weeks")
    assert "How long it lasts" not in shown  # the lead has said so


def test_two_disagreements_say_what_each_is_about() -> None:
    two = (Disagreement("how long", ((0,), (1,))), Disagreement("how much", ((1,), (2,))))
    shown = markup.as_html(reply(statements=(DAYS, WEEKS, HEALS), disagreements=two))
    assert shown.count('class="pair"') == 2
    assert ">How long<" in shown
    assert ">How much<" in shown


def test_an_emergency_shows_the_number_before_anything_that_takes_reading() -> None:
    title = wording.say("en", "urgent", "title")
    card = reply(Kind.URGENT, lead=f"{title}. Do this.", actions=(Action("Call 911", "tel:911"),))
    shown = markup.as_html(card)
    assert shown.count(title) == 1
    assert shown.index("tel:911") < shown.index("Do this.")
    assert "blockquote" not in shown


def test_a_reply_is_marked_with_its_own_language_and_direction() -> None:
    assert 'lang="ar" dir="rtl"' in markup.as_html(reply(Kind.SMALLTALK, locale="ar"))


def test_a_footnote_opens_the_source_for_the_same_site_and_in_the_same_language() -> None:
    shown = markup.as_html(reply(locale="ar"), None, "rose")
    assert re.search(
        r'href="/sources/a%26b\?start=\d+&amp;end=\d+&amp;site=rose&amp;locale=ar#passage"', shown
    )


def test_what_is_no_answer_says_so_in_a_few_words() -> None:
    silent = markup.as_html(reply(Kind.NOT_COVERED, topic="not_covered"))
    assert f'<p class="eyebrow">{wording.say("en", "page", "not_covered")}</p>' in silent
    assert "eyebrow" not in markup.as_html(reply(Kind.NOT_COVERED, topic="unclear"))
    assert "eyebrow" not in markup.as_html(reply())


def test_where_there_is_no_reply_the_notice_stands_all_the_same() -> None:
    shown = markup.trouble_html("Too <many>.", "Notice.", "ar")
    assert "Too &lt;many&gt;." in shown
    assert '<p class="notice">Notice.</p>' in shown
    assert 'dir="rtl"' in shown
    assert "\n" not in shown


# ------------------------------------------------------------------------- the page of a source

SOME = Source(
    "s", "A & B", "One.\n\nTwo <b>.\u2028Drei 😀 four.", kind="web article", caution="Old & odd"
)


def plain(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page))


def test_a_source_is_shown_whole_with_the_passage_marked_by_code_points() -> None:
    start = SOME.text.index("Drei")
    shown = reader.source_html(SOME.text, start, len(SOME.text))
    assert plain(shown) == SOME.text
    assert '<mark id="passage">Drei 😀 four.</mark>' in shown


@pytest.mark.parametrize(("start", "end"), [(None, 3), (3, None), (5, 5), (-1, 3), (0, 10_000)])
def test_a_passage_that_is_none_is_not_marked(start: int | None, end: int | None) -> None:
    assert reader.source_html(SOME.text, start, end) == escape(SOME.text)


def test_a_source_says_what_a_reader_should_know_in_the_languages_it_is_known_in() -> None:
    page = reader.source_page(SOME, 0, 4, "ar", "998", "en")
    assert page.startswith('<!doctype html>\n<html lang="en">')
    for ours in (
        wording.say("ar", "page", "not_reviewed"),
        wording.say("ar", "page", "caution"),
        wording.notice_for(Kind.ANSWER, "ar", "998").text,
    ):
        before = page[: page.index(escape(ours))]
        assert before.rindex('lang="ar" dir="rtl"') > before.rindex("</")
    assert "Web article" in page
    assert "Old &amp; odd" in page


def test_author_publisher_and_review_are_named_where_they_are_known() -> None:
    known = Source(
        "s", "T", "Text.", author="A. Author", publisher="P & Sons",
        reviewed_by="Dr. R <b>", reviewed_on=date(2026, 2, 1),
    )  # fmt: skip
    page = reader.source_page(known, None, None, "en", None)
    assert "Text · A. Author · P &amp; Sons" in page
    assert (
        escape(wording.say("en", "page", "reviewed", name="Dr. R <b>", date="2026-02-01")) in page
    )
    assert "<mark" not in page
