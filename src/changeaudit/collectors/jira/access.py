"""Which Jira is asked, and with what: from the environment, or from the keyring of the system.

`JIRA_URL`, `JIRA_EMAIL` and `JIRA_TOKEN` are for the Jira that is meant where no other is named.
Every further one has a set of its own, with an ending that one chooses: `JIRA_URL_OPS`,
`JIRA_EMAIL_OPS`, `JIRA_TOKEN_OPS`. A token is sent to the site of the address in its own set and
nowhere else: a policy, which others may have written, does not say where a token goes.

An e-mail address with a token is basic authentication (Cloud); a token alone is sent as a bearer
token (the personal access token of a Data Center). A scoped token of the Cloud goes through
Atlassian's gateway, for which the id of the site is set in `JIRA_CLOUD_ID`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from changeaudit.errors import CollectError
from changeaudit.records import Record
from changeaudit.sites import GATEWAY, site_of, unfit

KEYRING_SERVICE = "changeaudit"
"""The name under which the keyring is asked; the name of the user there is that of the site."""

URL = "JIRA_URL"
"""The variable that names a Jira; its name with an ending names a further one."""

_CLOUD_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Access(Record, frozen=True):
    """Where a Jira is, and what opens it: an e-mail address with a token, or a token alone.

    `site` is its name ("acme.atlassian.net"); `url` is where it is asked, which for a scoped token
    is the gateway.
    """

    url: str
    email: str
    token: str

    @property
    def site(self) -> str:
        """The name of what is asked."""
        return site_of(self.url)


def default_address(environment: Mapping[str, str]) -> str:
    """The address that `JIRA_URL` names, "" if it names none.

    Raises:
        CollectError: it is no address to which a token may be sent.
    """
    url = _set(environment, URL)
    problem = unfit(url, URL) if url else ""
    if problem:
        raise CollectError(
            f"{problem}.",
            f"Set {URL} to the address of the Jira itself, such as https://acme.atlassian.net.",
        )
    return url.rstrip("/")


def access_to(address: str, environment: Mapping[str, str]) -> Access:
    """What opens the Jira at a sound address.

    Args:
        address: the Jira.
        environment: the variables.

    Raises:
        CollectError: there is no token for it, or a malformed one. Nothing of it is shown.
    """
    site = site_of(address)
    ending = _ending(site, environment)
    email = _set(environment, f"JIRA_EMAIL{ending}") if ending is not None else ""
    names = ("JIRA_API_TOKEN", "JIRA_TOKEN") if email else ("JIRA_TOKEN", "JIRA_PAT")
    tokens = (_set(environment, name + ending) for name in names if ending is not None)
    token = next(filter(None, tokens), "") or _kept(site)
    cloud_id = _set(environment, f"JIRA_CLOUD_ID{ending}") if ending is not None else ""
    if not token:
        problems = "" if ending is not None else _problems(environment)
        raise CollectError(
            f"There is no token for the Jira at {site}{problems}.", _what_to_set(site, ending)
        )
    if not all(part.isascii() and part.isprintable() for part in (email, token)):
        raise CollectError(
            f"The credentials for the Jira at {site} hold characters that none has.",
            "Set them again, each on one line.",
        )
    if cloud_id and not _CLOUD_ID.fullmatch(cloud_id):
        raise CollectError(
            f"The cloud id of the Jira at {site} is none.",
            f"It stands in https://{site}/_edge/tenant_info, as cloudId.",
        )
    return Access(f"{GATEWAY}{cloud_id}" if cloud_id else address, email, token)


def _ending(site: str, environment: Mapping[str, str]) -> str | None:
    """What the names of the variables of a site end in; `None` if no address is that site's."""
    addresses = _addresses(environment)
    fit = (name for name, url in addresses.items() if not unfit(url, name))
    return next((name.removeprefix(URL) for name in fit if site_of(addresses[name]) == site), None)


def _problems(environment: Mapping[str, str]) -> str:
    """What is wrong with addresses in variables, any of which may be meant for a missing one."""
    found = (unfit(url, name) for name, url in _addresses(environment).items())
    return "".join(f"; {problem}" for problem in found if problem)


def _addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """The addresses in variables by their names, that of the usual Jira first."""
    names = sorted(name for name in environment if name == URL or name.startswith(f"{URL}_"))
    return {name: url for name in names if (url := _set(environment, name))}


def _what_to_set(site: str, ending: str | None) -> str:
    """The advice for a site without a token, whose address is in a variable or is not."""
    first = ""
    if ending is None:
        first = (
            f"Set JIRA_URL to https://{site} (or, beside another Jira, JIRA_URL_OPS, and so on with"
            " that ending). "
        )
    own = ending or ""
    return (
        f"{first}Set JIRA_TOKEN{own} to a personal access token, or JIRA_EMAIL{own} and"
        f" JIRA_TOKEN{own} to an e-mail address and its API token; or keep the token in the"
        f" keyring: keyring set {KEYRING_SERVICE} {site}."
    )


def _set(environment: Mapping[str, str], name: str) -> str:
    """A variable without the blanks around it, as a file leaves them; "" if it is not set."""
    return environment.get(name, "").strip()


def _kept(site: str) -> str:
    """The token for a site in the system's keyring; "" where there is none, or no keyring."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return keyring.get_password(KEYRING_SERVICE, site) or ""
    except KeyringError:
        return ""
