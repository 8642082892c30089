"""Which addresses a token may be sent to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changeaudit.collectors.github.hosts import (
    api_of,
    checked_url,
    is_enterprise_server,
    to_reach,
)
from changeaudit.errors import UsageError


@pytest.mark.parametrize(
    ("url", "host", "base"),
    [
        ("https://api.github.com", "github.com", "https://api.github.com"),
        ("https://api.github.com/", "github.com", "https://api.github.com"),
        ("https://API.GitHub.com:443", "github.com", "https://api.github.com"),
        ("https://git.acme.test/api/v3", "git.acme.test", "https://git.acme.test/api/v3"),
        ("https://git.acme.test/api/v3/", "git.acme.test", "https://git.acme.test/api/v3"),
        ("https://Git.Acme.test/api/v3", "git.acme.test", "https://git.acme.test/api/v3"),
        ("https://git.acme.test:443/api/v3", "git.acme.test", "https://git.acme.test/api/v3"),
        (
            "https://git.acme.test:8443/api/v3",
            "git.acme.test:8443",
            "https://git.acme.test:8443/api/v3",
        ),
        ("https://api.acme.ghe.com", "acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://api.acme.ghe.com/", "acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://10.0.0.7/api/v3", "10.0.0.7", "https://10.0.0.7/api/v3"),
        ("https://[2001:db8::7]/api/v3", "[2001:db8::7]", "https://[2001:db8::7]/api/v3"),
        ("http://127.0.0.1:8080/api/v3", "127.0.0.1:8080", "http://127.0.0.1:8080/api/v3"),
        ("http://localhost/api/v3", "localhost", "http://localhost/api/v3"),
        ("http://[::1]:8080/api/v3", "[::1]:8080", "http://[::1]:8080/api/v3"),
    ],
)
def test_the_api_of_a_host_is_taken(url: str, host: str, base: str) -> None:
    assert checked_url(url) == (host, base)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://github.com", "for github.com is https://api.github.com"),
        ("https://www.github.com/api/v3", "for github.com is https://api.github.com"),
        ("https://github.com/acme/payments", "for github.com is https://api.github.com"),
        ("https://api.github.com/graphql", "for github.com is https://api.github.com"),
        ("https://api.github.com:8443", "for github.com is https://api.github.com"),
        ("http://api.github.com", "plain http to api.github.com"),
        ("http://git.acme.test/api/v3", "plain http to git.acme.test"),
        ("http://10.0.0.7/api/v3", "plain http to 10.0.0.7"),
        ("http://127.0.0.1.evil.test/api/v3", "plain http to 127.0.0.1.evil.test"),
        ("http://localhost.evil.test/api/v3", "plain http to localhost.evil.test"),
        ("https://git.acme.test", "not the API of an Enterprise Server"),
        ("https://git.acme.test/api", "not the API of an Enterprise Server"),
        ("https://git.acme.test/api/graphql", "not the API of an Enterprise Server"),
        ("https://acme.ghe.com", "data residency"),
        ("https://acme.ghe.com/api/v3", "data residency"),
        ("https://api.acme.ghe.com/api/v3", "data residency"),
        ("https://api.ghe.com", "data residency"),
        ("https://ghe.com", "data residency"),
        ("https://api.a.b.ghe.com", "data residency"),
        ("", "not an http(s) URL"),
        ("github.com", "not an http(s) URL"),
        ("api.github.com/", "not an http(s) URL"),
        ("ftp://git.acme.test/api/v3", "not an http(s) URL"),
        ("https://", "not an http(s) URL"),
        ("https:///api/v3", "not an http(s) URL"),
        ("https://git acme.test/api/v3", "not an http(s) URL"),
        ("https://gitհub.com/api/v3", "not an http(s) URL"),
        ("https://-x/api/v3", "not an http(s) URL"),
        ("https://[::1/api/v3", "not a URL"),
        ("https://[::g]/api/v3", "not a URL"),
        ("https://git.acme.test:port/api/v3", "not a URL"),
        ("https://git.acme.test:99999/api/v3", "not a URL"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong_about_it(url: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_url(url)
    assert said in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://dana:s3cr3t@git.acme.test/api/v3",
        "https://s3cr3t@git.acme.test/api/v3",
        "https://dana:s3cr3t@git.acme.test:port/api/v3",
        "https://dana:s3cr3t@[::1/api/v3",
        "dana:s3cr3t@git.acme.test/api/v3",
        "ftp://dana:s3cr3t@git.acme.test",
        "https://a:s3cr3t@b:s3cr3t@git.acme.test/api/v3",
        "https://git.acme.test/api/v3?access_token=s3cr3t",
        "https://git.acme.test/api/v3#s3cr3t",
        "https://git.acme.test:x/api/v3?s3cr3t",
    ],
)
def test_what_may_be_a_secret_in_an_address_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_url(url)
    assert "s3cr3t" not in f"{refused.value.message} {refused.value.hint}"
    assert "GITHUB_TOKEN" in refused.value.hint


def test_the_likely_address_of_an_enterprise_server_is_named() -> None:
    with pytest.raises(UsageError) as refused:
        checked_url("https://git.acme.test:8443/")
    assert refused.value.hint == "It is most likely https://git.acme.test:8443/api/v3."


@given(st.text() | st.text().map("https://{}/api/v3".format))
def test_no_text_at_all_does_worse_than_be_refused(url: str) -> None:
    """Whatever is accepted goes to https, for none of it is an address of this machine."""
    try:
        _, base = checked_url(url)
    except UsageError:
        return
    assert base.startswith("https://")


@pytest.mark.parametrize(
    ("host", "api"),
    [
        ("github.com", "https://api.github.com"),
        ("GitHub.com", "https://api.github.com"),
        ("api.github.com", "https://api.github.com"),
        ("acme.ghe.com", "https://api.acme.ghe.com"),
        ("api.acme.ghe.com", "https://api.acme.ghe.com"),
        ("git.acme.test", "https://git.acme.test/api/v3"),
        ("git.acme.test:8443", "https://git.acme.test:8443/api/v3"),
    ],
)
def test_the_api_of_a_host_as_gh_names_it(host: str, api: str) -> None:
    assert api_of(host) == api
    assert checked_url(api)[1] == api
    assert is_enterprise_server(api) == api.endswith("/api/v3")


@pytest.mark.parametrize(
    "host",
    ["https://git.acme.test", "git.acme.test/api/v3", "dana:s3cr3t@git.acme.test", "-", "a b", ""],
)
def test_what_is_no_host_is_refused_and_not_repeated(host: str) -> None:
    with pytest.raises(UsageError, match="GH_HOST is not the name of a host") as refused:
        api_of(host)
    assert "s3cr3t" not in f"{refused.value.message} {refused.value.hint}"


@given(st.text())
def test_a_host_leads_to_an_api_that_a_token_may_be_sent_to_or_nowhere(host: str) -> None:
    try:
        _, base = checked_url(api_of(host))
    except UsageError:
        return
    assert base.startswith("https://")


@pytest.mark.parametrize("host", ["git.acme.com", "git.acme.com:8443", "acme.ghe.com"])
def test_what_is_said_to_set_for_a_host_leads_back_to_it(host: str) -> None:
    """The address that the advice gives is accepted, and is the host's that the store names."""
    url = to_reach([host]).removeprefix("Set GITHUB_API_URL to ").removesuffix(".")
    assert checked_url(url)[0] == host


def test_what_is_said_of_several_hosts() -> None:
    assert to_reach(["github.com"]) == "Leave GITHUB_API_URL and GH_HOST unset."
    assert to_reach(["github.com", "git.acme.com"]) == (
        "Leave GITHUB_API_URL and GH_HOST unset, or set GITHUB_API_URL to"
        " https://git.acme.com/api/v3."
    )
