"""One server per place: found, shared, replaced and ended, whatever happened to the one before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import Cloud, process, running
from localcloud.place import Place, Server

pytestmark = pytest.mark.wire


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place")
    yield place
    process.down(place)


def localcloud(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from localcloud.cli import main; main()", *words]
    return subprocess.run(
        command,
        env={**os.environ, "LOCALCLOUD_HOME": str(place.root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_up_starts_one_server_and_finds_it_again(place: Place) -> None:
    first = process.up(place)
    second = process.up(place)
    assert first.started
    assert not second.started
    assert first.server == second.server


def test_a_port_that_is_taken_is_named_without_a_traceback(place: Place, tmp_path: Path) -> None:
    taken = process.up(place).server.port
    other = Place(tmp_path / "other")
    result = localcloud(other, "up", "--port", str(taken))
    assert result.returncode == 1
    assert result.stderr.strip().endswith(f"port {taken}: Address already in use")
    assert "Traceback" not in result.stderr
    assert process.living(other) is None


def test_many_ups_at_once_make_one_server(place: Place) -> None:
    servers: list[Server] = []
    threads = [threading.Thread(target=lambda: servers.append(process.up(place).server)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(servers) == 5
    assert len(set(servers)) == 1


def test_a_killed_server_is_replaced_and_what_described_it_is_cleared(place: Place) -> None:
    old = process.up(place).server
    (place.pulumi_state / "stack.json").write_text("{}")
    place.ledger.write_text("rows")
    os.kill(old.pid, signal.SIGKILL)
    os.waitpid(old.pid, 0)
    result = localcloud(place, "up")
    assert "cleared its Pulumi state, ledger and jobs" in result.stderr
    new = process.living(place)
    assert new is not None
    assert new.pid != old.pid
    assert not (place.pulumi_state / "stack.json").exists()
    assert not place.ledger.exists()


def test_down_never_ends_a_stranger_that_got_the_pid(place: Place) -> None:
    place.prepare()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        place.write(Server(stranger.pid, 1, "token", 0.0))
        assert process.down(place) is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_down_ends_a_server_that_no_longer_answers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    server = process.up(place).server
    os.kill(server.pid, signal.SIGSTOP)
    monkeypatch.setattr(process, "END_SECONDS", 0.3)
    assert process.down(place) == server
    assert process.living(place) is None


def test_control_is_for_those_who_hold_the_token(place: Place) -> None:
    server = process.up(place).server
    assert process.health(server) is not None
    assert process.health(Server(server.pid, server.port, "guess", server.started)) is None


def test_run_passes_the_exit_code_and_leaves_the_cloud_up(place: Place) -> None:
    script = "import boto3; boto3.client('s3').create_bucket(Bucket='kept'); raise SystemExit(7)"
    assert localcloud(place, "run", "--", sys.executable, "-c", script).returncode == 7
    script = "import boto3; print([b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']])"
    assert localcloud(place, "run", "--", sys.executable, "-c", script).stdout.strip() == "['kept']"


def test_run_hides_the_callers_own_account(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    script = "import os; print(sorted(k for k in os.environ if k.startswith('AWS_')), os.environ['AWS_REGION'])"
    output = localcloud(place, "run", "--", sys.executable, "-c", script).stdout
    assert "AWS_PROFILE" not in output
    assert "AWS_SESSION_TOKEN" not in output
    assert output.strip().endswith("eu-central-1")


def test_run_signs_google_s_clients_in_to_the_local_cloud_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_QUOTA_PROJECT", "CLOUDSDK_CORE_PROJECT"):
        monkeypatch.setenv(name, "real")
    script = (
        "import google.auth, google.auth.transport.requests as r;"
        "c, p = google.auth.default(scopes=['https://www.googleapis.com/auth/cloud-platform']);"
        "c.refresh(r.Request()); print(p, c.service_account_email, c.quota_project_id, c.token[:11])"
    )
    output = localcloud(place, "run", "--", sys.executable, "-c", script).stdout
    email = "developer@launchway-local.iam.gserviceaccount.com"
    assert output == f"launchway-local {email} None ya29.local.\n"


def test_buckets_go_with_the_server_and_the_key_stays(place: Place) -> None:
    server = process.up(place).server
    key = place.google_account.read_text()
    Cloud(place, server).google("POST", "storage/storage/v1/b", {"name": "gone-bucket"})
    assert (place.google_objects / "buckets" / "gone-bucket").is_dir()
    process.down(place)
    assert process.up(place).cleared
    assert list((place.google_objects).iterdir()) == []
    assert key[key.index("private_key") :][:500] in place.google_account.read_text()


def test_a_missing_command_is_one_clear_line(place: Place) -> None:
    result = localcloud(place, "run", "--", "no-such-command")
    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1] == "Error: no-such-command: no such command"


def test_an_interrupt_reaches_the_command_and_its_exit_code_comes_back(place: Place) -> None:
    process.up(place)
    script = (
        "import signal, sys, time; signal.signal(signal.SIGINT, lambda *_: sys.exit(42));"
        " print('ready', flush=True); time.sleep(30)"
    )
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from localcloud.cli import main; main()",
            "run",
            "--",
            sys.executable,
            "-c",
            script,
        ],
        env={**os.environ, "LOCALCLOUD_HOME": str(place.root)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    os.killpg(child.pid, signal.SIGINT)
    assert child.wait(timeout=30) == 42
    child.stdout.close()
    assert process.living(place) is not None


def test_status_says_url_pid_and_since_when(place: Place) -> None:
    assert localcloud(place, "status").returncode == 3
    server = process.up(place).server
    result = localcloud(place, "status")
    assert result.returncode == 0
    assert f"up: {server.url}" in result.stdout
    assert f"pid: {server.pid}" in result.stdout
    assert f"since: {time.strftime('%Y-', time.localtime(server.started))}" in result.stdout
    assert f"aws: account 123456789012 at {server.url}\n" in result.stdout
    assert f"gcp: project launchway-local at {server.url}/_gcp\n" in result.stdout
    assert "jobs: none running" in result.stdout


def test_env_prints_lines_a_shell_can_take(place: Place) -> None:
    lines = localcloud(place, "env").stdout
    script = f"AWS_PROFILE=x; {lines} echo $AWS_ENDPOINT_URL"
    server = process.living(place)
    assert server is not None
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == server.url


def test_the_block_ends_the_server_it_started(tmp_path: Path) -> None:
    with running(tmp_path) as cloud:
        assert process.living(cloud.place) == cloud.server
    assert process.living(cloud.place) is None
