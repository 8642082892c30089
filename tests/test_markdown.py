"""Markdown as a reader sees it: headings, words and boxes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BODY, TEMPLATE
from changeaudit.markdown import (
    LIMIT,
    Heading,
    Task,
    Words,
    begins_with,
    has_words,
    parse,
    plain,
    seen,
    visible_text,
)


def tasks(text: str) -> list[tuple[str, bool]]:
    return [(b.text, b.ticked) for b in parse(text).blocks if isinstance(b, Task)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- [x] a", [("a", True)]),
        ("- [X] a", [("a", True)]),
        ("- [ ] a", [("a", False)]),
        ("* [x] a", [("a", True)]),
        ("+ [x] a", [("a", True)]),
        ("1. [x] a", [("a", True)]),
        ("1) [ ] a", [("a", False)]),
        ("- [x] a\r\n- [ ] b\r\n", [("a", True), ("b", False)]),
        ("- [x] a\r- [ ] b\r", [("a", True), ("b", False)]),
        ("- [x] a\n  - [ ] b\n    - [x] c", [("a", True), ("b", False), ("c", True)]),
        ("- a\n  - [x] b", [("b", True)]),
        ("- [x] a\n\n- [x] b", [("a", True), ("b", True)]),
        ("> - [x] a", [("a", True)]),
        ("- [x]\ta", [("a", True)]),
        ("- [x] a\n  goes on", [("a\ngoes on", True)]),
        ("<details>\n\n- [x] a\n\n</details>", [("a", True)]),
        ("- [x] **a** <!-- b -->", [("**a**", True)]),
    ],
)
def test_boxes(text: str, expected: list[tuple[str, bool]]) -> None:
    """Boxes in every kind of list, nested, ticked with x or X, with any line ending."""
    assert tasks(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[x] a",
        "- [x]a",
        "- [] a",
        "- [y] a",
        "- a [x] b",
        "- [x]",
        "- > [x] a",
        "- \\[x] a",
        "<!-- \n- [x] a\n-->",
        "<!--\n\n- [x] a\n\n-->",
        "<!--\n- [x] a",
        "```\n- [x] a\n```",
        "~~~~\n- [x] a\n~~~\n",
        "Text\n\n    - [x] a",
        "<pre>\n- [x] a\n</pre>",
        "<div>\n- [x] a\n</div>",
        "`- [x] a`",
    ],
)
def test_no_boxes(text: str) -> None:
    """What GitHub shows without a box, in a comment or as code, is none."""
    assert tasks(text) == []


def test_a_comment_that_a_blank_line_breaks_hides_nothing() -> None:
    """A comment that opens inside a paragraph and does not close in it is shown as text."""
    assert tasks("Text <!-- open\n\n- [x] a\n\n-->") == [("a", True)]


def test_the_note_is_what_else_the_list_item_says() -> None:
    """Paragraphs and plain items under a box are its note; boxes under it are their own."""
    text = "- [ ] a\n\n  why\n\n  - because\n  - [x] b\n\n    and so\n- [ ] c"
    assert parse(text).blocks == (
        Task("a", False, "why\nbecause"),
        Task("b", True, "and so"),
        Task("c", False),
    )


def test_headings() -> None:
    """Both kinds of heading, with their level; neither in code nor in comments."""
    text = "# A #\n\nB\n===\n\nC\n---\n###### D\n####### E\n```\n# F\n```\n<!--\n# G\n-->"
    found = [Heading("A", 1), Heading("B", 1), Heading("C", 2), Heading("D", 6)]
    assert list(parse(text).headings) == found


def test_a_section_ends_at_the_next_heading_of_its_level_or_above() -> None:
    """Sub-headings belong to the section above them."""
    document = parse("# T\n## A\none\n### B\n- [x] two\n## C\nthree\n# U\nfour")
    (section,) = document.sections("a")
    assert section.blocks == (Words("one"), Heading("B", 3), Task("two", True))
    assert section.tasks == (Task("two", True),)
    assert [b for s in document.sections("U") for b in s.blocks] == [Words("four")]
    assert document.sections("nowhere") == ()


def test_every_section_of_a_name_is_found() -> None:
    """A heading that stands twice has two sections."""
    assert [s.blocks for s in parse("# A\none\n# a:\ntwo").sections("A")] == [
        (Words("one"),),
        (Words("two"),),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Security **Checklist**:", "security checklist"),
        ("🔒 Security checklist", "security checklist"),
        (":lock: Security\u00a0 checklist", "security checklist"),
        ("__Security__ `checklist`", "security checklist"),
        ("[Security checklist](https://a.example/x)", "security checklist"),
        ("<b>Security</b> checklist&nbsp;", "security checklist"),
        ("Ｓecurity check\u200blist\u202e", "security checklist"),
        ("Straße", "strasse"),
        ("~~gone~~ – ", "gone"),
        ("![a screenshot](x.png)", "image a screenshot"),
        ('<img src="x.png">', "image"),
        ("a ⚠\ufe0f b", "a b"),
        ("...", ""),
        ("", ""),
    ],
)
def test_plain(text: str, expected: str) -> None:
    """Case, emphasis, targets, tags, emoji, unseen characters and edges do not count."""
    assert plain(text) == expected


def test_begins_with_goes_by_words() -> None:
    """What follows a beginning starts a new word."""
    assert begins_with("no secrets", "no secrets")
    assert begins_with("no secrets (n/a)", "no secrets")
    assert not begins_with("no secretsauce", "no secrets")
    assert not begins_with("no", "no secrets")


def test_has_words() -> None:
    """A letter or a digit of any script is a word; signs are not."""
    assert has_words("变")
    assert has_words("- 1")
    assert not has_words("— …!")


@pytest.mark.parametrize(
    "blank", ["\u115f", "\u1160", "\u3164", "\uffa0", "\u2800", "\u200b", "\u00ad"]
)
def test_letters_that_nobody_sees_are_no_words(blank: str) -> None:
    assert plain(f"N/A {blank}{blank}") == "n/a"
    assert not has_words(plain(blank))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <!-- b --> c", "a  c"),
        ("a <!--> b -->", "a  b -->"),
        ("`<!-- b -->`", "`<!-- b -->`"),
        ("``<!-- ` -->`` <!-- c -->", "``<!-- ` -->`` "),
        ("` <!-- b -->", "` "),
        ("<!-- ` --> `a`", " `a`"),
        ("a <!-- b", "a <!-- b"),
        ("plain", "plain"),
    ],
)
def test_seen(text: str, expected: str) -> None:
    """Comments vanish, in code spans they are code, and unclosed they are text."""
    assert seen(text) == expected


def test_visible_text_leaves_out_code_and_comments() -> None:
    """Words, headings, boxes and notes are seen; code blocks and comments are not."""
    text = "# A\nb\n- [x] c\n  - d\n```\ne\n```\n<!-- f -->\n<p>g<!-- h --></p>\n\n"
    text += "<script>\ni\n</script>\n"
    assert visible_text(text).split() == ["A", "b", "c", "d", "<p>g", "</p>"]


def test_a_long_text_is_cut_and_says_so() -> None:
    """Past the limit nothing is read, and the document tells."""
    assert not parse("a" * LIMIT).cut
    document = parse("a\n" * LIMIT + "\n- [x] b")
    assert document.cut
    assert not any(isinstance(b, Task) for b in document.blocks)


def test_deep_nesting_is_no_error() -> None:
    """Thousands of nested quotes and lists are read without going deep."""
    for text in (
        ">" * 50_000 + " a",
        "- " * 50_000 + "a",
        "\n".join(" " * n + "- a" for n in range(400)),
    ):
        assert not parse(text).cut


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "`",
        "` ",
        "<!--",
        "<!-- -->",
        "[",
        "[a](",
        "<a ",
        "**",
        "> ",
        "- [x] a\n",
        "[a]: b\n",
        "a\n=\n",
        "\x00",
    ],
)
def test_time_is_linear_in_the_text(text: str) -> None:
    """No text of the greatest length takes long."""
    huge = text * (LIMIT // len(text))
    began = time.perf_counter()
    visible_text(huge)
    plain(huge)
    assert time.perf_counter() - began < 10


@given(st.text(st.sampled_from("-*+ []xX#`<!>\n\r\t1.a"), max_size=80))
def test_any_markdown_is_read(text: str) -> None:
    """Whatever its marks, a text is read and its boxes hold no comment."""
    for block in parse(text).blocks:
        assert isinstance(block, Heading | Words | Task)


@given(st.text(max_size=80))
def test_plain_is_settled(text: str) -> None:
    """Made plain, a text is in lower case, on one line, without spaces at its ends."""
    found = plain(text)
    assert found == found.casefold()
    assert found == " ".join(found.split())


def test_the_templates_own_boxes() -> None:
    """The invented company's template has three boxes, and its compliant body ticks them."""
    assert [ticked for _, ticked in tasks(TEMPLATE)] == [False] * 3
    assert [ticked for _, ticked in tasks(BODY)] == [True] * 3
