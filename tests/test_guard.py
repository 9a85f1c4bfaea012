"""The guard of tests/conftest.py: no test and no child of one reaches another machine or the user's things."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests import conftest

OUTSIDE = ("192.0.2.1", 80)  # RFC 5737: an address that nobody has


@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_connection_to_another_machine_is_refused(call: str) -> None:
    with socket.socket() as one, pytest.raises(conftest.LeavesLoopback):
        getattr(one, call)(OUTSIDE)
    assert conftest._left == [str(OUTSIDE)]
    conftest._left.clear()


def test_a_datagram_to_another_machine_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one, pytest.raises(conftest.LeavesLoopback):
        one.sendto(b"x", OUTSIDE)
    conftest._left.clear()


def test_a_name_of_another_machine_is_not_even_looked_up() -> None:
    with pytest.raises(conftest.LeavesLoopback):
        socket.getaddrinfo("example.invalid", 80)
    conftest._left.clear()


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_a_url_of_another_machine_ends_at_the_closed_proxy() -> None:
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("https://example.invalid", timeout=5)


@pytest.mark.wire
def test_boto3_in_a_child_process_has_neither_the_users_credentials_nor_a_way_out() -> None:
    program = (
        "import boto3, botocore.config, botocore.exceptions as e\n"
        "assert boto3.Session().get_credentials() is None\n"
        "client = boto3.client('sts', region_name='us-east-1', aws_access_key_id='x', aws_secret_access_key='x',\n"
        "    config=botocore.config.Config(retries={'total_max_attempts': 1}, connect_timeout=5))\n"
        "try: client.get_caller_identity()\n"
        "except e.ProxyConnectionError: print('closed')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "closed\n", done.stderr


@pytest.mark.wire
def test_google_in_a_child_process_has_neither_the_users_sign_in_nor_a_way_out() -> None:
    program = (
        "import google.auth, google.auth.exceptions as e\n"
        "from google.auth.transport.requests import AuthorizedSession\n"
        "from google.oauth2.credentials import Credentials\n"
        "try: google.auth.default()\n"
        "except e.DefaultCredentialsError: print('nobody')\n"
        "session = AuthorizedSession(Credentials('testing'))\n"
        "try: session.get('https://storage.googleapis.com/storage/v1/b', timeout=5)\n"
        "except Exception as error: print('closed' if 'Unable to connect to proxy' in str(error) else error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "nobody\nclosed\n", done.stderr


def test_the_users_own_state_and_accounts_are_out_of_sight() -> None:
    assert "launchway-tests-" in os.environ["XDG_STATE_HOME"]
    assert os.environ["AWS_CONFIG_FILE"] == os.devnull
    assert "launchway-tests-" in os.environ["CLOUDSDK_CONFIG"]
    assert "launchway-tests-" in os.environ["AZURE_CONFIG_DIR"]
    foreign = ("AWS_PROFILE", "AWS_SESSION", "GOOGLE_", "GCLOUD_", "AZURE_CLIENT_", "IDENTITY_", "PULUMI_ACCESS")
    visible = {name for name in os.environ if name.startswith(foreign)}
    assert not visible
