"""Reading rosters: YAML and CSV say the same, and each fault is told in its place."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.errors import PolicyError
from changeaudit.policy import Member
from changeaudit.roster_file import COLUMNS, MAX_VALUES, Person, Roster, load_roster, read_roster
from changeaudit.yaml_document import MAX_BYTES, visible

YAML = """\
- role: qa
  login: alice
  from: 2025-01-01
  to: 2025-06-30
  name: Alice Ødegård
  email: [alice@acme.com, Alice@home.example]
- role: lead
  login: bob
- role: developer
  login: carol
  email: carol@acme.com
"""
CSV = """\
role,login,from,to,name,email
qa,alice,2025-01-01,2025-06-30,Alice Ødegård,alice@acme.com Alice@home.example
lead,bob,,,,
developer,carol,,,,carol@acme.com
"""


def roster(text: str | bytes, source: str = "roster.csv") -> Roster:
    return load_roster(text.encode() if isinstance(text, str) else text, source)


def problems(text: str | bytes, source: str = "roster.csv") -> list[str]:
    with pytest.raises(PolicyError) as caught:
        roster(text, source)
    assert caught.value.problems
    assert caught.value.hint
    assert caught.value.message.startswith(f"the roster {source} cannot be used: ")
    return list(caught.value.problems)


# What is accepted -----------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "source"), [(YAML, "r.yaml"), (YAML, "r.yml"), (CSV, "R.CSV")])
def test_a_roster_lists_people_in_roles(text: str, source: str) -> None:
    """With dates, names and addresses; both forms say the same."""
    found = roster(text, source)
    assert found.digest == hashlib.sha256(text.encode()).hexdigest()
    assert found.source == source
    assert found.people[0] == Person.model_validate(
        {
            "role": "qa",
            "login": "alice",
            "from": "2025-01-01",
            "to": "2025-06-30",
            "name": "Alice Ødegård",
            "email": ["alice@acme.com", "alice@home.example"],
        }
    )
    assert found.members() == {
        "qa": (
            Member.model_validate(
                {"login": "alice", "from": date(2025, 1, 1), "to": date(2025, 6, 30)}
            ),
        ),
        "lead": (Member(login="bob"),),
    }
    assert found.emails() == {
        "alice@acme.com": "alice",
        "alice@home.example": "alice",
        "carol@acme.com": "carol",
    }


def test_a_roster_tells_accounts_on_jira() -> None:
    """By the account's id or user name, in lower case; somebody in two roles may give it twice."""
    table = (
        "role,login,jira\nqa,alice,712020:AB-1\nlead,alice,712020:ab-1\nqa,bob,\n"
        "developer,carol,cbrown\n"
    )
    expected = {"712020:ab-1": "alice", "cbrown": "carol"}
    assert roster(table).jira_accounts() == expected
    listed = "- {role: qa, login: alice, jira: '712020:ab-1'}\n- {role: qa, login: bob}\n"
    assert roster(listed, "r.yaml").jira_accounts() == {"712020:ab-1": "alice"}


SAME = [
    ("commas", CSV),
    ("semicolons, as spreadsheets write where a comma is decimal", CSV.replace(",", ";")),
    ("tabs", CSV.replace(",", "\t")),
    ("a line that names the separator", "sep=;\n" + CSV.replace(",", ";")),
    ("a line that names an odd separator", "SEP=|\r\n" + CSV.replace(",", "|")),
    ("a byte order mark", "\ufeff" + CSV),
    ("a byte order mark and semicolons", "\ufeff" + CSV.replace(",", ";")),
    ("CRLF", CSV.replace("\n", "\r\n")),
    ("CR", CSV.replace("\n", "\r")),
    ("no newline at the end", CSV.rstrip("\n")),
    ("blank lines and rows of nothing", CSV.replace("lead", "\n,,,,,\n  , ,,,,\nlead") + "\n\n"),
    ("blanks around the cells", CSV.replace(",", " , ")),
    ("quotes", '"' + CSV.strip().replace(",", '","').replace("\n", '"\n"') + '"\n'),
    ("quoted header", CSV.replace("role,login", '"role","login"')),
    ("capitals in the header", CSV.replace("role,login,from", "Role,LOGIN,From")),
    ("capitals in the role", CSV.replace("qa,", "QA,").replace("lead,", "Lead,")),
    ("empty cells at the end of rows", CSV.replace("\n", ",,\n")),
    ("another order", "login,role,name,to,from,email\n" +
     "alice,qa,Alice Ødegård,2025-06-30,2025-01-01,alice@acme.com alice@home.example\n"
     "bob,lead,,,,\ncarol,developer,,,,carol@acme.com\n"),
    ("addresses one beneath the other",
     CSV.replace("alice@acme.com Alice@home.example", '"alice@acme.com\nAlice@home.example"')),
    ("addresses with a comma",
     CSV.replace("alice@acme.com Alice@home.example", '"alice@acme.com, Alice@home.example"')),
]  # fmt: skip


@pytest.mark.parametrize("text", [text for _, text in SAME], ids=[name for name, _ in SAME])
def test_tables_come_in_many_forms(text: str) -> None:
    """However a spreadsheet writes it, it says the same."""
    assert roster(text).people == roster(CSV).people


def test_a_table_needs_two_columns() -> None:
    """Role and login are enough; people may be named more than once."""
    found = roster("login,role\nalice,qa\nalice,lead\nalice,qa\n")
    assert [(person.login, person.role) for person in found.people] == [
        ("alice", "qa"),
        ("alice", "lead"),
        ("alice", "qa"),
    ]
    assert found.emails() == {}


def test_a_person_may_have_an_address_in_several_rows() -> None:
    """The same one too, and whatever the case of the login."""
    text = "role,login,email\nqa,alice,a@x.org\nlead,Alice,A@X.org b@x.org\n"
    assert set(roster(text).emails()) == {"a@x.org", "b@x.org"}


def test_a_quoted_cell_may_hold_anything() -> None:
    """Separators, quotes, lines: a name is a name."""
    text = 'role,login,name\nqa,alice,"Smith, ""Al""\nJr."\n'
    assert roster(text).people[0].name == 'Smith, "Al"\nJr.'


# Faults ---------------------------------------------------------------------------------------

ROW = "role,login,from,to,name,email\n"
FAULTS: list[tuple[str, str, list[str]]] = [
    (
        "an unknown column",
        "role,login,mail\nqa,alice,a@x.org\nqa,bob,b@x.org\n",
        [":1: column 'mail': unknown column; did you mean 'email'?"],
    ),
    (
        "a column that is like none",
        "role,login,Cost centre\nqa,alice,7\n",
        [
            ":1: column 'Cost centre': unknown column; the columns here are role, login, from, to, "
            "name, email, jira"
        ],
    ),
    (
        "a column without a name",
        "role,,login\nqa,x,alice\n",
        [
            ":1: column '': unknown column; the columns here are role, login, from, to, name, "
            "email, jira"
        ],
    ),
    (
        "a column twice",
        "role,login,Login\nqa,alice,bob\n",
        [":1: column 'Login': the column is there twice; keep one"],
    ),
    (
        "columns that are missing",
        "name,email\nAlice,a@x.org\n",
        [":1: the column 'role' is missing", ":1: the column 'login' is missing"],
    ),
    ("no header", "qa,alice\nlead,bob\n", [
        ":1: column 'qa': unknown column; the columns here are role, login, from, to, name, "
        "email, jira",
        ":1: column 'alice': unknown column; the columns here are role, login, from, to, name, "
        "email, jira",
        ":1: the column 'role' is missing", ":1: the column 'login' is missing"]),
    ("nobody", "role,login\n", [":1: names nobody: there is no row beneath the header"]),
    ("nobody in rows of nothing", "role,login\n,\n", [
        ":1: names nobody: there is no row beneath the header"]),
    ("nothing", "", [": is empty; its first line names the columns role, login, from, to, name, "
                     "email, jira"]),
    ("a short row", ROW + "qa,alice\nqa,b!,,,,\n", [
        ":2: the row has 2 cells and the header 6; see whether a separator is missing, or stands "
        "in a cell without quotes",
        ":3: column 'login': expected a GitHub login such as octocat or dependabot[bot], found "
        "'b!'",
    ]),
    ("a long row", "role,login\nqa,alice,x\n", [
        ":2: the row has 3 cells and the header 2; see whether a separator is missing, or stands "
        "in a cell without quotes"]),
    (
        "an unknown role",
        "role,login\nauditor,alice\n",
        [
            ":2: column 'role': expected one of 'peer', 'security', 'qa', 'lead' or 'developer', "
            "found 'auditor'"
        ],
    ),
    (
        "a role that is nearly one",
        "role,login\ndevelopers,alice\n",
        [
            ":2: column 'role': expected one of 'peer', 'security', 'qa', 'lead' or 'developer', "
            "found 'developers'; did you mean 'developer'?"
        ],
    ),
    (
        "no role and no login",
        ROW + "qa,alice,,,,\n,,,,Somebody,\n",
        [
            ":3: column 'role': expected one of 'peer', 'security', 'qa', 'lead' or 'developer', "
            "found ''",
            ":3: column 'login': expected a GitHub login such as octocat or dependabot[bot], "
            "found ''",
        ],
    ),
    (
        "a formula",
        "role,login\nqa,=cmd|' /C calc'!A0\n",
        [
            ":2: column 'login': expected a GitHub login such as octocat or dependabot[bot], "
            "found '=cmd|' /C calc'!A0'"
        ],
    ),
    (
        "a date as a spreadsheet shows it",
        ROW + "qa,alice,31.01.2025,1/31/2025,,\n",
        [
            ":2: column 'from': expected a day such as 2025-01-31, found '31.01.2025'",
            ":2: column 'to': expected a day such as 2025-01-31, found '1/31/2025'",
        ],
    ),
    (
        "a day that there is not",
        ROW + "qa,alice,2025-02-30,,,\n",
        [":2: column 'from': there is no such day, found '2025-02-30'"],
    ),
    (
        "an end before the beginning",
        ROW + "qa,alice,2025-02-01,2025-01-01,,\n",
        [":2: 'to' (2025-01-01) is before 'from' (2025-02-01)"],
    ),
    (
        "no address",
        ROW + "qa,alice,,,,alice at acme\n",
        [
            ":2: column 'email': expected an e-mail address such as octocat@acme.com, "
            "found 'alice at acme'"
        ] * 3,
    ),
    (
        "an address of two people",
        ROW + "qa,alice,,,,team@x.org\n\nqa,bob,,,,b@x.org Team@X.org\n",
        [
            ":4: column 'email': team@x.org is also the address of alice on line 2; "
            "an address is one person's"
        ],
    ),
    (
        "a Jira account of two people",
        "role,login,jira\nqa,alice,x:1\nqa,bob,X:1\n",
        [
            ":3: column 'jira': X:1 is also the Jira account of alice on line 2; "
            "a Jira account is one person's"
        ],
    ),
    (
        "a Jira account that is a name",
        "role,login,jira\nqa,alice,Alice Brown\n",
        [
            ":2: column 'jira': expected an account id or a user name of Jira, without blanks, "
            "found 'Alice Brown'"
        ],
    ),
    (
        "the line on which a row begins",
        'role,login,name\nqa,alice,"A\n\nlice"\nqa,b!,x\n',
        [":5: column 'login': expected a GitHub login such as octocat or dependabot[bot], found "
         "'b!'"],
    ),
    (
        "lines count from the one that names the separator",
        "sep=;\nrole;login\nqa;b!\n",
        [":3: column 'login': expected a GitHub login such as octocat or dependabot[bot], found "
         "'b!'"],
    ),
    ("an open quotation", 'role,login\nqa,"alice\nqa,bob\n', [
        ":2: not valid CSV: unexpected end of data"]),
    ("a quotation inside a cell", 'role,login\nqa,bob\nqa,"al"ice\n', [
        ":3: not valid CSV: ',' expected after '\"'"]),
    ("an endless cell", "role,login\nqa," + "x" * 200_000 + "\n", [
        ":2: not valid CSV: field larger than field limit (131072)"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_fault_of_a_table_is_told_with_its_line_and_column(text: str, said: list[str]) -> None:
    assert problems(text) == [f"roster.csv{line}" for line in said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": is empty; a roster is a list of people"),
        ("# nobody", ": is empty; a roster is a list of people"),
        ("[]", ":1: expected a list that is not empty, found an empty list"),
        ("~", ":1: expected a list, found ~, which YAML reads as nothing"),
        ("alice", ":1: expected a list, found 'alice'"),
        ("role: qa", ":1: expected a list, found a block of keys"),
        (
            "- alice",
            ":1: [0]: expected the keys login, from, to, role, name, email, jira, found 'alice'",
        ),
        ("- {role: qa}", ":1: [0]: the key 'login' is missing"),
        ("- {login: alice}", ":1: [0]: the key 'role' is missing"),
        ("- {role: qa, login: a, mail: x}", ":1: [0].mail: unknown key; did you mean 'email'?"),
        ("- {role: qa, login: no}", ":1: [0].login: expected text, found no, which YAML reads as"),
        ("- {role: 7, login: a}", ":1: [0].role: expected one of 'peer', 'security', 'qa',"),
        ("-\n  role: qa\n  login: a\n  email: x", ":4: [0].email: expected an e-mail address such"),
        ("- {role: qa, login: a, email: [b@c, d]}", ":1: [0].email[1]: expected an e-mail address"),
        ("- {role: qa, login: a, email: 7}", ":1: [0].email: expected a list, found 7, which YAML"),
        ("- {role: qa, login: a, email: [7]}", ":1: [0].email[0]: expected text, found 7, which"),
        ("- {role: qa, login: a, email: ''}", ":1: [0].email: expected an e-mail address such as"),
        ("- {role: qa, login: a, name: ' '}", ":1: [0].name: expected text that is not blank"),
        (
            "- {role: qa, login: a, email: x@y}\n- {role: qa, login: b, email: [X@y]}",
            ":2: [1].email: x@y is also the address of a on line 1; an address is one person's",
        ),
        ("- a\n---\n- b", ":2: not valid YAML: a second document starts here; a roster is one doc"),
        ("- !x y", ":1: [0]: tags such as !x are refused"),
    ],
)
def test_a_fault_of_yaml_is_told_with_its_line_and_key(text: str, said: str) -> None:
    (only,) = problems(text, "r.yaml")
    assert only.startswith(f"r.yaml{said}")


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    """A roster is mended in one go."""
    text = "role,login,mail,from\nqa,b!,x,2025\nqa,alice\nboss,bob,y,\n"
    assert [line.split(": ")[0] for line in problems(text)] == [
        "roster.csv:1",
        "roster.csv:2",
        "roster.csv:2",
        "roster.csv:3",
        "roster.csv:4",
    ]


@pytest.mark.parametrize("source", ["r.csv", "r.yaml"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"role,login\nqa,caf\xe9\n", ":2: is not UTF-8 text; save the file as UTF-8"),
        (
            "role,login\nqa,alice\n".encode("utf-16"),
            ":1: is UTF-16 text; save the file as UTF-8",
        ),
        (b"#" * (MAX_BYTES + 1), ": is larger than 1 MiB; a roster is a few pages of text"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, said: str, source: str) -> None:
    assert problems(data, source) == [f"{source}{said}"]


def test_too_many_values_are_refused() -> None:
    text = "role,login\n" + ",\n" * (MAX_VALUES // 2)
    assert problems(text) == [f"roster.csv:{MAX_VALUES // 2 + 1}: holds more than 100,000 values"]


def test_a_whole_company_fits() -> None:
    """Twelve thousand people with their addresses."""
    text = ROW + "".join(f"developer,u{n},,,,u{n}@acme.com\n" for n in range(12_000))
    assert len(roster(text).emails()) == 12_000


# Files ----------------------------------------------------------------------------------------


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    for name, text in (("r.csv", CSV), ("r.YML", YAML), ("r.yaml", YAML)):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        found = read_roster(path)
        assert found.people == roster(CSV).people
        assert found.source == str(path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.csv", "there is no such file"),
        ("none.yaml", "there is no such file"),
        ("people.xlsx", "a roster's name ends in .yaml or .csv"),
        ("people", "a roster's name ends in .yaml or .csv"),
        ("folder.csv", "is a directory; name the roster file itself"),
    ],
)
def test_a_file_that_is_no_roster_is_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(PolicyError) as caught:
        read_roster(tmp_path / name)
    assert caught.value.problems == (f"{tmp_path / name}: {said}",)


# Hostile text ---------------------------------------------------------------------------------

WILD = st.text(st.sampled_from("role,login;\"'\n\r\t =|@.\x00\x1b\u202e\ud800é0-"))


@given(st.one_of(WILD, st.text()), st.booleans(), st.sampled_from(["r.csv", "r.yaml"]))
def test_no_text_crashes_the_reader(text: str, header: bool, source: str) -> None:
    """Any text is a roster, or is refused with problems that are safe to print."""
    data = ((ROW if header else "") + text).encode("utf-8", "surrogatepass")
    told: tuple[str, ...] | None = None
    try:
        load_roster(data, source)
    except PolicyError as error:
        told = error.problems
    assert told != ()
    for line in told or ():
        assert line.startswith(f"{source}:")
        assert visible(line, 10_000) == line


CELLS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\x85\u2028\u2029"),
    max_size=12,
)


@given(st.lists(st.tuples(st.sampled_from(["qa", "lead"]), CELLS), min_size=1, max_size=6))
def test_a_table_says_what_was_written(rows: list[tuple[str, str]]) -> None:
    """A name comes out of a table as it went in, but for the blanks around it."""
    quoted = ['"' + name.replace('"', '""') + '"' for _, name in rows]
    text = "role,login,name\n" + "".join(
        f"{role},u{n},{cell}\n"
        for n, ((role, _), cell) in enumerate(zip(rows, quoted, strict=True))
    )
    found = [(person.role, person.name) for person in roster(text).people]
    assert found == [(role, name.strip() or None) for role, name in rows]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["qa", "peer", "developer"]), "login": st.just("a")},
            optional={
                "from": st.dates(date(2020, 1, 1), date(2021, 1, 1)).map(str),
                "to": st.dates(date(2021, 1, 1), date(2022, 1, 1)).map(str),
                "name": st.text("abc é,;'", min_size=1).map(str.strip).filter(bool),
                "email": st.lists(st.sampled_from(["a@b", "c@d.e"]), min_size=1).map(" ".join),
            },
        ),
        min_size=1,
        max_size=5,
    )
)
def test_both_forms_say_the_same(people: list[dict[str, Any]]) -> None:
    """Whoever is listed, YAML and CSV give the same people."""
    table = ";".join(COLUMNS) + "\n"
    for person in people:
        cells = ('"' + person.get(column, "") + '"' for column in COLUMNS)
        table += ";".join(cells) + "\n"
    written = yaml.safe_dump(people, allow_unicode=True)
    assert roster(table).people == roster(written, "r.yaml").people
