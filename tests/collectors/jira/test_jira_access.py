"""Which Jira is asked with which token."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from changeaudit.collectors.jira.access import Access, access_to, default_address
from changeaudit.errors import CollectError

ACME = "https://acme.atlassian.net"
OPS = "https://jira.ops.example.com/jira"
SECRET = "s3cret"


def opened(address: str, **environment: str) -> Access:
    return access_to(address, environment)


@pytest.mark.parametrize(
    ("address", "environment", "expected"),
    [
        (ACME, {"JIRA_URL": ACME, "JIRA_TOKEN": "t"}, Access(ACME, "", "t")),
        (ACME, {"JIRA_URL": f"{ACME}:443/", "JIRA_TOKEN": " t\n"}, Access(ACME, "", "t")),
        (
            ACME,
            {"JIRA_URL": ACME, "JIRA_EMAIL": "a@b", "JIRA_TOKEN": "t"},
            Access(ACME, "a@b", "t"),
        ),
        (
            ACME,
            {"JIRA_URL": ACME, "JIRA_EMAIL": "a@b", "JIRA_API_TOKEN": "t", "JIRA_TOKEN": "u"},
            Access(ACME, "a@b", "t"),
        ),
        (ACME, {"JIRA_URL": ACME, "JIRA_PAT": "t"}, Access(ACME, "", "t")),
        (
            ACME,
            {"JIRA_URL": ACME, "JIRA_TOKEN": "t", "JIRA_CLOUD_ID": "1-a"},
            Access("https://api.atlassian.com/ex/jira/1-a", "", "t"),
        ),
        (OPS, {"JIRA_URL_OPS": f"{OPS}/", "JIRA_TOKEN_OPS": "t"}, Access(OPS, "", "t")),
        (
            OPS,
            {
                "JIRA_URL": ACME,
                "JIRA_EMAIL": "a@b",
                "JIRA_TOKEN": "not this",
                "JIRA_URL_2": OPS,
                "JIRA_TOKEN_2": "t",
            },
            Access(OPS, "", "t"),
        ),
        (
            ACME,
            {"JIRA_URL": OPS, "JIRA_TOKEN": "not this", "JIRA_URL_A": ACME, "JIRA_PAT_A": "own"},
            Access(ACME, "", "own"),
        ),
        (
            OPS,
            {
                "JIRA_URL": "not an address",
                "JIRA_URL_A": "https://user:secret@acme.test",
                "JIRA_URL_B": "http://[",
                "JIRA_URL_OPS": OPS,
                "JIRA_TOKEN_OPS": "t",
                "JIRA_URL_Z": "http://plain.test",
            },
            Access(OPS, "", "t"),
        ),
    ],
)
def test_what_opens_a_jira(address: str, environment: dict[str, str], expected: Access) -> None:
    assert opened(address, **environment) == expected


@pytest.mark.parametrize(
    ("environment", "said", "advice"),
    [
        (
            {},
            "no token for the Jira at jira.ops.example.com/jira",
            "Set JIRA_URL to https://jira.ops",
        ),
        ({"JIRA_TOKEN": SECRET}, "no token", "JIRA_URL_OPS, and so on"),
        ({"JIRA_URL_OPS": OPS, "JIRA_TOKEN": SECRET}, "no token", "Set JIRA_TOKEN_OPS to"),
        ({"JIRA_URL_OPS": "http://ops", "JIRA_TOKEN_OPS": SECRET}, "JIRA_URL_OPS is plain", "Set"),
        (
            {"JIRA_URL": f"https://u:{SECRET}@{OPS}", "JIRA_URL_B": "b", "JIRA_TOKEN": SECRET},
            "no token for the Jira at jira.ops.example.com/jira; JIRA_URL holds more than the"
            " address of a Jira: a password, a query or a fragment; JIRA_URL_B is not an http(s)",
            "Set JIRA_URL to https://jira.ops",
        ),
        ({"JIRA_TOKEN_JIRA_OPS_EXAMPLE_COM_JIRA": SECRET}, "no token", "Set JIRA_URL"),
        ({"JIRA_URL": ACME, "JIRA_TOKEN": SECRET}, "no token", "keyring set changeaudit jira.ops"),
        ({"JIRA_URL": OPS}, "no token", "Set JIRA_TOKEN to"),
        ({"JIRA_URL": OPS, "JIRA_API_TOKEN": SECRET}, "no token", "JIRA_EMAIL and JIRA_TOKEN"),
        ({"JIRA_URL": OPS, "JIRA_TOKEN": f"{SECRET}é"}, "characters that none has", "one line"),
        (
            {"JIRA_URL": OPS, "JIRA_TOKEN": SECRET, "JIRA_CLOUD_ID": "../x"},
            "cloud id",
            "tenant_info",
        ),
    ],
)
def test_what_opens_none(environment: dict[str, str], said: str, advice: str) -> None:
    """A token for one site is sent to no other, and is never shown."""
    with pytest.raises(CollectError) as error:
        opened(OPS, **environment)
    assert said in error.value.message
    assert advice in error.value.hint
    assert SECRET not in error.value.message + error.value.hint


def test_an_address_to_which_no_token_is_sent() -> None:
    with pytest.raises(CollectError, match=r"JIRA_URL is plain http to jira\.acme\.test"):
        default_address({"JIRA_URL": "http://jira.acme.test"})
    assert default_address({"JIRA_URL": " "}) == ""


def keyring(monkeypatch: pytest.MonkeyPatch, kept: str | None, *, fails: bool = False) -> None:
    """A keyring that holds one token for one site, or none, or cannot be opened."""

    class KeyringError(Exception):
        pass

    def get_password(service: str, name: str) -> str | None:
        if fails:
            raise KeyringError
        return kept if (service, name) == ("changeaudit", "acme.atlassian.net") else None

    found, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    found.__dict__["get_password"] = get_password
    errors.__dict__["KeyringError"] = KeyringError
    monkeypatch.setitem(sys.modules, "keyring", found)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


def test_a_token_may_be_kept_in_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring(monkeypatch, "t")
    assert opened(ACME, JIRA_URL_A=ACME, JIRA_EMAIL_A="a@b") == Access(ACME, "a@b", "t")
    with pytest.raises(CollectError, match="no token"):
        opened(OPS)


def test_a_keyring_that_is_closed_or_missing_holds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyring(monkeypatch, "t", fails=True)
    with pytest.raises(CollectError, match="no token"):
        opened(ACME)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(CollectError, match="no token"):
        opened(ACME)
