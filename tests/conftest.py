"""What holds for every test: no network, no tokens, and a machine that is nobody's in particular.

A test may connect to this machine alone. What it finds in the environment is the same
everywhere: no credentials, no terminal that a service announces, and a local time zone that is
neither UTC nor a whole number of hours away from it, so that a local time mistaken for UTC shows.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE_?KEY", re.IGNORECASE)

# Consoles look at these; a test that is about one of them sets it.
TERMINAL = (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "PY_COLORS",
    "CLICOLOR",
    "GITHUB_ACTIONS",
)

# Written as rules, not names, so that no time zone database is needed: St John's, Newfoundland.
LOCAL_ZONE = "NST3:30NDT,M3.2.0,M11.1.0"
ZONES = {
    "UTC": "UTC0",
    "Los Angeles": "PST8PDT,M3.2.0,M11.1.0",
    "Kathmandu": "<+0545>-5:45",
    "Kiritimati": "<+14>-14",
}


def is_loopback(host: object) -> bool:
    """Whether `host`, a name or an address as sockets take it, is this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook: Python reports every connection and look-up before it is made.

    Raises RuntimeError, not OSError, so that nothing takes it for a failure worth another try.
    """
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        # Only internet addresses are tuples that start with a host; a path is a local socket.
        if isinstance(address, tuple) and not is_loopback(address[0]):
            raise RuntimeError(f"a test tried to reach {address!r}; tests stay on this machine")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not is_loopback(args[0]):
        raise RuntimeError(f"a test tried to look up {args[0]!r}; tests stay on this machine")


def set_zone(rule: str) -> None:
    """Makes `rule`, a POSIX time zone, the local one. Windows has no such switch."""
    os.environ["TZ"] = rule
    if sys.platform != "win32":
        time.tzset()


def clear_environment() -> None:
    """Takes out what differs between machines, before anything is imported that reads it."""
    for name in [*filter(SECRET.search, os.environ), *TERMINAL]:
        os.environ.pop(name, None)
    os.environ["NETRC"] = os.devnull  # HTTP clients look up passwords in the user's own
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    set_zone(LOCAL_ZONE)


# In the continuous integration the same commit always tries the same examples. A deadline would
# judge the machine.
settings.register_profile("everywhere", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("everywhere")
clear_environment()
sys.addaudithook(refuse_network)


@pytest.fixture(params=list(ZONES.values()), ids=list(ZONES))
def any_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a test once in each of several local time zones."""
    if not hasattr(time, "tzset"):
        pytest.skip("the local time zone of a process cannot be set on Windows")
    rule: str = request.param
    set_zone(rule)
    yield rule
    set_zone(LOCAL_ZONE)
