"""Where a local cloud may be, and how a call names the person: what every backend's session begins with."""

from __future__ import annotations

import pytest

from dispatcher.backends import standin
from dispatcher.backends.user_agent import user_agent
from dispatcher.errors import UsageError


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8080/_gcp", "http://localhost:1", "https://[::1]:9/x", "http://127.8.9.10:1/"]
)
def test_an_address_on_this_machine_is_taken(address: str) -> None:
    assert standin.address(address, "VARIABLE", "a cloud") == address.rstrip("/")


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_address_is_the_real_cloud(nothing: str | None) -> None:
    assert standin.address(nothing, "VARIABLE", "a cloud") is None


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.1:8080",
        "https://evil.example/_gcp",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://user@evil.example#127.0.0.1",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
        "http://0.0.0.0:80",
    ],
)
def test_an_address_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="names a local cloud") as caught:
        standin.address(address, "VARIABLE", "a cloud")
    assert caught.value.remedy == "unset VARIABLE to reach a cloud"


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada Łovelace\r\nX-Evil: 1", "Ada-ovelace-X-Evil-1"),
        ("", "unknown"),
    ],
)
def test_the_person_is_named_in_the_user_agent(user: str, shown: str) -> None:
    assert user_agent(user).endswith(f"({shown})")
    assert user_agent(user).startswith("launchway/")
