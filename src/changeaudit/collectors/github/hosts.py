"""Which hosts a token may be sent to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from changeaudit.errors import UsageError

PUBLIC_API = "https://api.github.com"
_PUBLIC = frozenset({"github.com", "www.github.com", "api.github.com"})
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_HOST = re.compile(rf"{_NAME.pattern}(:[0-9]{{1,5}})?")
_PORTS = {"http": 80, "https": 443}


def checked_url(api_url: str) -> tuple[str, str]:
    """The host and the base URL of its API, once it is known that a token may go there.

    Raises:
        UsageError: it is no API of GitHub's, holds credentials, or is plain http to elsewhere.
            What may be a secret in it is not shown.
    """
    if "@" in api_url:
        raise UsageError(
            "GITHUB_API_URL holds a user name or password.",
            "Take them out and set GITHUB_TOKEN instead.",
        )
    if "?" in api_url or "#" in api_url:
        raise UsageError(
            "GITHUB_API_URL holds a query or a fragment, which the address of an API does not.",
            "Give it without what follows the ? or #; a token belongs into GITHUB_TOKEN.",
        )
    try:
        parts = urlsplit(api_url)
        host, port = parts.hostname or "", parts.port
        version = ipaddress.ip_address(host).version if ":" in host else 4
    except ValueError:
        raise UsageError(f"GITHUB_API_URL is not a URL: {api_url!r}.") from None
    if parts.scheme not in _PORTS or not (version == 6 or _NAME.fullmatch(host)):
        raise UsageError(f"GITHUB_API_URL is not an http(s) URL: {api_url!r}.")
    if parts.scheme == "http" and not _loopback(host):
        raise UsageError(
            f"GITHUB_API_URL is plain http to {host}: a token would travel unencrypted.",
            "Use https; plain http is accepted for this machine's own addresses alone.",
        )
    path = parts.path.rstrip("/")
    place = f"[{host}]" if version == 6 else host
    if port is not None and port != _PORTS[parts.scheme]:
        place = f"{place}:{port}"
    if host in _PUBLIC:
        if place != "api.github.com" or path:
            raise UsageError(f"GITHUB_API_URL for github.com is {PUBLIC_API}, not {api_url!r}.")
        return "github.com", PUBLIC_API
    if host == "ghe.com" or host.endswith(".ghe.com"):
        tenant = host.removeprefix("api.")
        if tenant == host or tenant.count(".") != 2 or path:
            raise UsageError(
                f"GITHUB_API_URL {api_url!r} is not the API of GitHub with data residency.",
                "It is https://api.SUBDOMAIN.ghe.com.",
            )
        return place.removeprefix("api."), f"{parts.scheme}://{place}"
    if path != "/api/v3":
        raise UsageError(
            f"GITHUB_API_URL {api_url!r} is not the API of an Enterprise Server.",
            f"It is most likely {parts.scheme}://{place}/api/v3.",
        )
    return place, f"{parts.scheme}://{place}{path}"


def api_of(host: str) -> str:
    """The address of the API of a host as `gh` names it in GH_HOST, such as git.acme.com.

    Raises:
        UsageError: it is no name of a host. It is not shown: it may hold a password.
    """
    name = host.lower()
    if not _HOST.fullmatch(name):
        raise UsageError(
            "GH_HOST is not the name of a host.",
            "Write it without https:// and without a path, as in git.acme.com.",
        )
    if name in _PUBLIC:
        return PUBLIC_API
    if name.endswith(".ghe.com"):
        return f"https://api.{name.removeprefix('api.')}"
    return f"https://{name}/api/v3"


def to_reach(hosts: Iterable[str]) -> str:
    """What to set so that one of these hosts, as a store names them, is the one that is meant."""
    ways = [
        "leave GITHUB_API_URL and GH_HOST unset"
        if host == "github.com"
        else f"set GITHUB_API_URL to https://api.{host}"
        if host.endswith(".ghe.com")
        else f"set GITHUB_API_URL to https://{host}/api/v3"
        for host in hosts
    ]
    said = ", or ".join(ways)
    return f"{said[:1].upper()}{said[1:]}."


def is_enterprise_server(base_url: str) -> bool:
    """Whether a checked address is that of an Enterprise Server, which has tokens of its own."""
    return base_url.endswith("/api/v3")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
