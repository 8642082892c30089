"""A CODEOWNERS file, read as GitHub's documentation says."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.codeowners import Rule, is_team, parse

DOCUMENTED = """\
# Everything, unless a later pattern matches.
*       @global-one @global-two
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/scripts/ @doctocat @octocat
**/logs @logger
/apps/ @octocat
/apps/github
"""


def owners(text: str, path: str) -> tuple[str, ...] | None:
    """Who owns a path; `None` if no pattern matches it."""
    rule = parse(text).rule_of(path)
    return rule.owners if rule else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ("@global-one", "@global-two")),
        ("deep/er/x.js", ("@js-owner",)),
        ("x.go", ("docs@example.com",)),
        ("a/b.txt", ("@octo-org/octocats",)),
        ("build/logs/today/1.bin", ("@logger",)),
        ("docs/getting-started.md", ("docs@example.com",)),
        ("docs/build-app/troubleshooting.md", ("@global-one", "@global-two")),
        ("web/apps/one/main.bin", ("@octocat",)),
        ("scripts/x", ("@doctocat", "@octocat")),
        ("deeply/nested/logs", ("@logger",)),
        ("apps/main.js", ("@octocat",)),
        ("apps/github/x.js", ()),
        ("apps/github", ()),
    ],
)
def test_the_examples_of_the_documentation(path: str, expected: tuple[str, ...]) -> None:
    assert owners(DOCUMENTED, path) == expected


MATCHES = [
    ("foo", "foo foo/a a/foo a/foo/b", "food afoo a/food"),
    ("/foo", "foo foo/a", "a/foo food"),
    ("foo/", "foo/a a/foo/b", "foo a/foo"),
    ("/foo/", "foo/a foo/a/b", "foo a/foo/b"),
    ("a/b", "a/b a/b/c", "x/a/b a/bc"),
    ("/a/b/", "a/b/c", "a/b x/a/b/c"),
    ("*", "a a/b a/b/c", ""),
    ("/*", "a", "a/b"),
    ("f*", "f foo foo/a a/foo", "xf a/xf"),
    ("/f*", "foo foo/a", "a/foo"),
    ("f*/", "foo/a a/foo/b", "foo a/foo"),
    ("/*/", "a/b a/b/c", "a"),
    ("a/*", "a/b", "a a/b/c x/a/b"),
    ("a/*.txt", "a/b.txt a/b.txt/c", "a/b/c.txt x/a/b.txt a/b.txts"),
    ("a/*/c", "a/b/c a/b/c/d", "a/c a/b/b/c"),
    ("a*b*c", "abc axbxc a/abcbc", "ab axc a/b/c abcd"),
    ("f?o", "foo a/f-o", "fo fooo f/o"),
    (r"f\*o", "f*o", "foo"),
    (r"f\?o", "f?o", "foo"),
    (r"a\ b*", "a\0bc", "a bc"),
    (r"a\ b", "a\0b", "ab a"),
    (r"\!important", "!important", "important"),
    ("**/a/b", "a/b x/a/b x/y/a/b/c", "a/x/b"),
    ("a/**", "a/b a/b/c", "a x/a/b"),
    ("a/**/b", "a/b a/x/b a/x/y/b/c", "x/a/b a/bc"),
    ("a/**/", "a/b a/b/c", "a"),
    ("a/**/b/c*", "a/b/c a/x/b/cd", "a/b/d a/x/b"),
    ("/**/x*y", "xy a/xzy", "x a/x/y"),
    ("**", "a a/b", ""),
    ("/**", "a a/b", ""),
    ("**/", "a/b", "a"),
    ("**/a/**/b/**/c", "a/b/c x/a/a/y/b/b/z/c/d", "a/c/b a/b"),
    ("x**y", "xy x--y a/xzy", "x/y"),
    ("*.x/*", "a.x/b", "a.x a.x/b/c"),
    ("/", "", "a a/b"),
    ("//a", "", "a"),
    ("a//b*", "", "a/b"),
    ("Foo", "Foo", "foo"),
    ("(group)/$x+{y}", "(group)/$x+{y}", "group/x"),
]


@pytest.mark.parametrize(("pattern", "yes", "no"), MATCHES, ids=[m[0] for m in MATCHES])
def test_what_a_pattern_matches(pattern: str, yes: str, no: str) -> None:
    """In the table, a NUL stands for a blank in a path, and no blank is one."""
    found = parse(f"{pattern} @x")
    assert found.skipped == ()
    for paths, expected in ((yes, True), (no, False)):
        for path in paths.split(" ") if paths else ():
            assert (found.rule_of(path.replace("\0", " ")) is not None) is expected, path


@pytest.mark.parametrize(
    "line",
    [
        "!a @x",
        "a[bc] @x",
        "a] @x",
        "***/a @x",
        r"\#a @x",
        "c#/a @x",
        "a @",
        "a docs@",
        "a someone",
        "a @x/y/z",
        "a @x, @y",
        "a \u202e@x",
        "a @x\0",
        "a @x@y",
        "a\\",
    ],
)
def test_an_invalid_line_is_skipped_and_told(line: str) -> None:
    found = parse(f"* @first\n{line}\n")
    assert found.skipped == (2,)
    assert found.rules == (Rule(1, "*", ("@first",)),)


def test_lines_end_as_they_do_in_git_and_nowhere_else() -> None:
    """A line separator of Unicode or a form feed in a comment begins no line of its own."""
    found = parse("# a\u2028* @evil\x0c* @evil\x85* @evil\r* @evil\r\n/a @x @X @x\r\n\n  \t\n")
    assert found.rules == (Rule(2, "/a", ("@x", "@X")),)


def test_teams_and_sets_of_owners_are_each_there_once() -> None:
    found = parse("/a @acme/one @pat\n/b @Acme/One @acme/two\n/c @pat\n/d @pat\n/e\n")
    assert sorted(team.casefold() for team in found.teams) == ["acme/one", "acme/two"]
    assert found.owner_sets == (("@acme/one", "@pat"), ("@Acme/One", "@acme/two"), ("@pat",))
    assert is_team("@a/b")
    assert not is_team("@a")
    assert not is_team("a@b")


def test_a_later_pattern_of_any_kind_takes_precedence() -> None:
    lines = ["* @a", "/x/ @b", "y @c", "x/y @d", "*.z @e", "y/ @f", "/x/y/w.z @g", "* @h"]
    path = "x/y/w.z"
    for number, line in enumerate(lines, start=1):
        rule = parse("\n".join(lines[:number])).rule_of(path)
        assert rule is not None
        assert f"{rule.pattern} {rule.owners[0]}" == line


def test_what_was_asked_is_remembered_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("changeaudit.codeowners._KEPT", 3)
    found = parse("/remembered* @x\n")
    for number in range(10):
        assert found.rule_of(f"remembered{number}") is found.rules[0]
        assert found.rule_of(f"remembered{number}") is found.rules[0]
    assert len(found._known) <= 3


# Hostile files ----------------------------------------------------------------------------------

HOSTILE = {
    "many plain lines": "".join(f"/dir{n}/sub/ @owner{n}\n" for n in range(10_000)),
    "many wild lines": "".join(f"*a{n}*b*c @owner{n}\n" for n in range(10_000)),
    "asterisks": f"{'*' * 1000} @x\n" * 1000,
    "asterisks with letters": f"{'a*' * 1000}b @x\n" * 100,
    "directories": f"{'**/a/' * 500}b @x\n" * 80,
    "any directories": f"**/{'*/' * 500}b @x\n",
    "control characters": "\0 @x\n\x1b[31m* @x\n\u202e* @x\n\ufeff* @x\n\ud800 @x\n" * 1000,
    "one long line": "a" * 2_900_000 + " @x",
    "long owners": "* a@" + "." * 1_000_000 + "/\n",
    "escapes": "\\" * 1_000_000 + "\n",
}
PATHS = ("a" * 2000 + "/b", "a/" * 1000 + "b", "a", "dir9999/sub/x", "\u202e", "a" * 255 + "c")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_file_takes_bounded_time(text: str) -> None:
    began = time.perf_counter()
    found = parse(text)
    assert not found.too_long
    for path in PATHS:
        found.rule_of(path)
    assert time.perf_counter() - began < 30


def test_the_file_with_too_many_wildcards_is_known_before_a_path_is_tried() -> None:
    assert parse("".join(f"*{n:020}* @x\n" for n in range(10_000))).too_long


def slowly(pattern: str, path: str) -> bool:
    """The same question, answered by trying everything."""
    regex = re.sub(
        r"\*\*/|\*|.",
        lambda m: {"**/": "(?:.*/)?", "*": "[^/]*"}.get(m[0], re.escape(m[0])),
        pattern if "/" in pattern else f"**/{pattern}",
    )
    return re.fullmatch(f"{regex}(?:/.*)?", path) is not None


LETTER = st.sampled_from("ab")
SEGMENT = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=5).map("".join)


@given(
    pattern=st.lists(SEGMENT | st.just("**"), min_size=1, max_size=4).map("/".join),
    path=st.lists(st.text(LETTER, min_size=1, max_size=6), min_size=1, max_size=5).map("/".join),
)
def test_no_pattern_matches_otherwise_than_by_trying_everything(pattern: str, path: str) -> None:
    """Taking the first place that fits loses nothing."""
    last = pattern.rpartition("/")[2]
    if "***" in pattern or "**" in re.sub(r"(^|/)\*\*(?=/)", "", pattern) or last == "*":
        return
    assert (parse(f"{pattern} @x").rule_of(path) is not None) is slowly(pattern, path)
