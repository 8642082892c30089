"""Whatever cannot be done is said in one message, with what to do next, and a documented code."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cli.command import TOKEN, Command, Done, Evidence, served

pytestmark = pytest.mark.slow  # each test starts the program

LAST = ("--last", "30d")


def message(done: Done) -> str:
    """The one message that there is: nothing on stdout, one error, at most one hint."""
    assert done.out == b""
    lines = done.err.splitlines()
    assert [line.split(" ")[0] for line in lines if line and line[0] != " "] in (
        ["error:"],
        ["error:", "hint:"],
    ), done.err
    return done.err


PERIODS = {
    "none": ((), "No period is named"),
    "an empty one": (("--since", ""), "No period is named"),
    "two ways": (("--since", "2026-01-01", *LAST), "more than one way"),
    "three ways": (("--since", "2026-01-01", "--period", "2026", *LAST), "more than one way"),
    "an end and a name": (("--until", "2026-01-31", "--period", "2026"), "more than one way"),
    "no start": (("--until", "2026-01-31"), "--until needs --since"),
    "the wrong way round": (
        ("--since", "2026-02-01", "--until", "2026-01-01"),
        "--since 2026-02-01 is not before --until 2026-01-01",
    ),
    "no date": (("--since", "soon"), "--since 'soon' is not a date"),
    "no name": (("--period", "2026-Q5"), "--period '2026-Q5' is not a period"),
    "no span": (("--last", "a year"), "--last 'a year' is not a span"),
    "the future": (("--period", "9000"), "begins at 9000-01-01T00:00:00Z, and it is 20"),
}


@pytest.mark.parametrize(("args", "said"), PERIODS.values(), ids=PERIODS)
def test_a_wrong_period(changeaudit: Command, args: tuple[str, ...], said: str) -> None:
    done = changeaudit("audit", "acme/payments", *args)
    assert done.code == 2
    assert said in message(done)
    assert "hint:" in done.err


@pytest.mark.parametrize(
    "name",
    [
        *("", "payments", "acme/", "/payments", "a/b/c", "*/payments", "acme?/x", "[ab]/*"),
        "https://github.com/acme/payments",
    ],
)
def test_what_is_no_repository(changeaudit: Command, name: str) -> None:
    done = changeaudit("audit", name, *LAST)
    assert done.code == 2
    assert f"{name!r} does not name a repository" in message(done)


def test_a_name_that_would_act_on_the_terminal(changeaudit: Command) -> None:
    """It is shown, and neither obeyed nor let out of its line."""
    done = changeaudit("audit", "\x1b[31mred\nerror: faked\u202e", *LAST)
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err
    assert len(message(done).splitlines()) == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("audit",), "Missing argument 'OWNER/REPO'"),
        (
            ("audit", "a/b", "--format", "xml"),
            "expected one of table, csv, csv-changes, json; found 'xml'.",
        ),
        (("policy", "diff", "a", "b", "--format", "xml"), "expected one of table, json; found"),
        (("audit", "a/b", "--nonsense"), "No such option: --nonsense"),
        (("audti",), "No such command 'audti'"),
        (("demo", "more"), "unexpected extra argument"),
        (("policy", "check"), "Missing argument 'FILE'"),
    ],
)
def test_what_the_parser_refuses(changeaudit: Command, args: tuple[str, ...], said: str) -> None:
    done = changeaudit(*args)
    assert done.code == 2
    assert said in done.err
    assert "Try 'changeaudit" in done.err
    assert done.out == b""


def test_no_arguments_show_the_help(changeaudit: Command) -> None:
    done = changeaudit()
    assert done.code == 2
    assert "Usage: changeaudit [OPTIONS] COMMAND" in done.text + done.err


# The token ------------------------------------------------------------------------------------


def test_no_token(changeaudit: Command) -> None:
    done = changeaudit("audit", "acme/payments", *LAST)
    assert done.code == 2
    assert "There is no GitHub token" in message(done)
    assert "Set GITHUB_TOKEN" in done.err


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GH_TOKEN"])
@pytest.mark.parametrize(
    "found", [f"{TOKEN}\n{TOKEN}", f"{TOKEN}\r\nX-A: b", f"{TOKEN}é", f"a {TOKEN}"]
)
def test_a_token_that_is_none(changeaudit: Command, name: str, found: str) -> None:
    """It is refused before it is sent, and not shown (which every test here looks at)."""
    done = changeaudit("audit", "acme/payments", *LAST, **{name: found})
    assert done.code == 2
    assert f"The token from {name} holds characters that no token has" in message(done)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://github.example.com/api/v3", "plain http to github.example.com"),
        ("https://me:pass-word@github.example.com/api/v3", "holds a user name or password"),
        ("https://github.example.com", "most likely https://github.example.com/api/v3"),
        ("https://github.com", "is https://api.github.com"),
        ("ftp://github.example.com/api/v3", "not an http(s) URL"),
        ("https://github.example.com:port/api/v3", "is not a URL"),
    ],
)
@pytest.mark.parametrize("offline", [(), ("--offline",)], ids=["live", "offline"])
def test_an_address_that_no_token_goes_to(
    changeaudit: Command,
    evidence: Evidence,
    address: str,
    said: str,
    offline: tuple[str, ...],
) -> None:
    done = changeaudit(
        *("audit", "a/b", *LAST, "--store", str(evidence.store), *offline),
        GITHUB_API_URL=address,
        GITHUB_TOKEN=TOKEN,
    )
    assert done.code == 2
    assert said in message(done)
    assert "pass-word" not in done.err


# The server -----------------------------------------------------------------------------------


def test_a_server_that_is_not_there(changeaudit: Command) -> None:
    with served(lambda body: (500, b"")) as gone:
        pass
    done = changeaudit("audit", "acme/payments", *LAST, GITHUB_API_URL=gone, GITHUB_TOKEN=TOKEN)
    assert done.code == 4
    assert "could not be reached: the connection was refused" in message(done)
    assert "GITHUB_API_URL" in done.err


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"message": "Bad credentials"}', "does not accept the token (HTTP 401: Bad"),
        (403, b'{"message": "no"}', "refuses repository acme/payments (HTTP 403: no)"),
        (404, b"<html>", "has no GraphQL API at this address"),
        (418, b"\xff\x00", "refuses repository acme/payments (HTTP 418: no message)"),
        (
            200,
            b'{"data": {"repository": null}, "errors": [{"type": "NOT_FOUND", "message": "x",'
            b' "path": ["repository"]}]}',
            "There is no repository acme/payments",
        ),
        (200, b'{"data": {"repository": {}}}', "does not have the expected form"),
    ],
)
def test_a_server_that_refuses(changeaudit: Command, status: int, body: bytes, said: str) -> None:
    with served(lambda asked: (status, body)) as address:
        done = changeaudit(
            *("audit", "acme/payments", *LAST), GITHUB_API_URL=address, GITHUB_TOKEN=TOKEN
        )
    assert done.code == 4
    assert said in message(done)


# The policy -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae: x", "policy.yaml:1: nmae: unknown key; did you mean 'name'?"),
        ("name: [", "policy.yaml:"),
        ("\n\nqa: {review: maybe}", "policy.yaml:3: qa.review: expected true or false"),
    ],
)
def test_a_wrong_policy(changeaudit: Command, text: str, said: str) -> None:
    """One that lies in the folder is found without being named, and refused all the same."""
    (changeaudit.folder / "policy.yaml").write_text(text, encoding="utf-8")
    done = changeaudit("audit", "acme/payments", *LAST, GITHUB_TOKEN=TOKEN)
    assert done.code == 2
    assert said in message(done)


def test_a_policy_that_is_not_there(changeaudit: Command) -> None:
    done = changeaudit("audit", "acme/payments", *LAST, "--policy", "none.yaml")
    assert done.code == 2
    assert "none.yaml: there is no such file" in message(done)


def test_every_problem_of_a_policy_is_told(changeaudit: Command) -> None:
    path = changeaudit.folder / "two.yaml"
    path.write_text("nmae: x\nqa: {review: maybe}\n", encoding="utf-8")
    done = changeaudit("policy", "check", "two.yaml")
    assert done.code == 2
    assert [line for line in message(done).splitlines() if line.startswith("  two.yaml:")] == [
        "  two.yaml:1: nmae: unknown key; did you mean 'name'?",
        "  two.yaml:2: qa.review: expected true or false, found 'maybe'",
    ]


# Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("demo",), ("audit", "acme/payments", *LAST)], ids=lambda c: c[0]
)
@pytest.mark.parametrize("output", ["file", "file/within"])
def test_an_output_with_a_file_in_its_place(
    changeaudit: Command, command: tuple[str, ...], output: str
) -> None:
    """It is found before anything is collected, and the file is left as it is."""
    file = changeaudit.folder / "file"
    file.write_text("mine", encoding="utf-8")
    done = changeaudit(*command, "--output", output)
    assert done.code == 2
    assert "there is a file in its place" in message(done)
    assert file.read_text(encoding="utf-8") == "mine"


def test_an_output_that_cannot_be_made(changeaudit: Command) -> None:
    """Any other cause is told in the system's words: here a name that no file system takes."""
    done = changeaudit("demo", "--output", "x" * 5000)
    assert done.code == 2
    assert " cannot be written: " in message(done)


def test_a_folder_with_somebody_elses_page_is_left_alone(changeaudit: Command) -> None:
    output = changeaudit.folder / "site"
    output.mkdir()
    page = output / "index.html"
    page.write_text("mine", encoding="utf-8")
    done = changeaudit("demo", "--output", "site")
    assert done.code == 2
    assert "site" in message(done)
    assert page.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in output.rglob("*") if path.is_file()] == ["index.html"]


def spoilt(folder: Path, kind: str) -> Path:
    path = folder / "spoilt.sqlite"
    if kind == "a folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("this is no database\n" * 99, encoding="utf-8")
    elif kind == "another database":
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE mine (text)")
        other.close()
    elif kind == "no folder around it":
        path = folder / "none" / "x.sqlite"
    return path


STORES = ["a folder", "text", "another database", "no folder around it"]


@pytest.mark.parametrize("kind", [*STORES, "nothing"])
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_store_that_is_none(changeaudit: Command, kind: str, by: str) -> None:
    path = spoilt(changeaudit.folder, kind)
    before = path.read_bytes() if path.is_file() else None
    args = ("audit", "acme/payments", *LAST, "--offline")
    if by == "option":
        done = changeaudit(*args, "--store", str(path))
    else:
        done = changeaudit(*args, CHANGEAUDIT_STORE=str(path))
    assert done.code == 4
    assert path.name in message(done) or str(path.parent) in done.err
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize("kind", STORES)
def test_a_store_that_is_none_is_found_before_anything_is_asked(
    changeaudit: Command, kind: str
) -> None:
    """The address given answers nobody: it is not tried."""
    path = spoilt(changeaudit.folder, kind)
    done = changeaudit(
        *("audit", "acme/payments", *LAST, "--store", str(path)),
        GITHUB_TOKEN=TOKEN,
        GITHUB_API_URL="http://127.0.0.1:9/api/v3",
    )
    assert done.code == 4
    assert "reached" not in message(done)


def test_a_store_that_was_tampered_with(changeaudit: Command, evidence: Evidence) -> None:
    """An answer that does not have its digest any more is no evidence."""
    store = sqlite3.connect(evidence.store)
    store.execute("DROP TRIGGER answers_refuse_update")
    store.execute("UPDATE answers SET digest = replace(digest, substr(digest, 1, 1), 'x')")
    store.commit()
    store.close()
    done = changeaudit(*evidence.audit(), GITHUB_API_URL=evidence.api)
    assert done.code == 4
    assert "digest" in message(done).lower() or "sha-256" in done.err.lower()


def test_a_store_that_broke_off(changeaudit: Command, evidence: Evidence) -> None:
    whole = evidence.store.read_bytes()
    evidence.store.write_bytes(whole[: len(whole) // 2])
    done = changeaudit(*evidence.audit(), GITHUB_API_URL=evidence.api)
    assert done.code == 4
    assert "evidence.sqlite" in message(done)


# What a store does not hold ---------------------------------------------------------------------


def test_a_period_that_the_store_does_not_hold(changeaudit: Command, evidence: Evidence) -> None:
    args = evidence.under(str(evidence.folder / "policy.yaml"))
    done = changeaudit(
        *args, "--since", "2026-06-01", "--until", "2026-08-31", GITHUB_API_URL=evidence.api
    )
    assert done.code == 4
    assert "from 2026-06-01T00:00:00Z to 2026-07-01T00:00:00Z" in message(done)
    assert "without --offline" in done.err


def test_a_source_that_the_store_does_not_hold(changeaudit: Command, evidence: Evidence) -> None:
    """Evidence of one server says nothing of another's repository by the same name."""
    done = changeaudit(*evidence.audit(), GITHUB_API_URL="https://github.example.com/api/v3")
    assert done.code == 4
    assert "from github.example.com" in message(done)


def test_a_pattern_needs_a_list_in_the_store(changeaudit: Command, evidence: Evidence) -> None:
    done = changeaudit(
        *("audit", "meridian-labs/*", "--offline", "--period", "2026-Q3"),
        *("--store", str(evidence.store)),
    )
    assert done.code == 2
    assert "The store holds no list of meridian-labs's repositories." in message(done)


def test_offline_leaves_the_store_as_it_is(changeaudit: Command, evidence: Evidence) -> None:
    """Nothing is written to it, nor beside it."""
    before = evidence.store.read_bytes()
    changeaudit(*evidence.audit(), GITHUB_API_URL=evidence.api)
    assert evidence.store.read_bytes() == before
    assert sorted(path.name for path in evidence.folder.iterdir()) == [
        "demo.json",
        "evidence.sqlite",
        "policy.yaml",
    ]
