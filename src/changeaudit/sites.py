"""The address of a tracker: whether a token may be sent there, and the site that it names. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

GATEWAY = "https://api.atlassian.com/ex/jira/"
"""Before the id of a Cloud site: where Atlassian takes scoped tokens for it."""


def unfit(url: str, name: str) -> str:
    """Why no token may be sent to an address; "" if it may. What may be a secret is not shown.

    `name` is where the address was given, such as "JIRA_URL".
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return f"{name} is not a URL"
    if "@" in url or "?" in url or "#" in url:
        return f"{name} holds more than the address of a Jira: a password, a query or a fragment"
    if parts.scheme not in ("http", "https") or not host:
        return f"{name} is not an http(s) URL"
    if not url.isascii() or not url.isprintable() or " " in url:
        return f"{name} holds characters that no address has"
    if parts.scheme == "http" and not loopback(host):
        return f"{name} is plain http to {host}: a token would travel unencrypted; use https"
    return ""


def loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def site_of(url: str) -> str:
    """The site that a sound address names: its host, its port if it has its own, and its path."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.netloc.casefold()
    if parts.port == usual:
        host = host.removesuffix(f":{usual}")
    return host + parts.path.rstrip("/")
