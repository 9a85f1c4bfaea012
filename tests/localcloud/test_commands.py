"""The `localcloud` command: what it prints, what it refuses, and what it does not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from localcloud import Cloud
from localcloud.cli import main
from localcloud.cloud import Refused

HEAVY = {
    "boto3",
    "botocore",
    "moto",
    "werkzeug",
    "flask",
    "pulumi",
    "grpc",
    "pydantic",
    "requests",
    "yaml",
    "cryptography",
}


def call(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), *words])


@pytest.mark.process
def test_the_command_starts_without_a_cloud_sdk() -> None:
    script = "import sys, localcloud.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


def test_without_a_home_directory_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    result = CliRunner().invoke(main, ["status"])
    expected = "Error: this user has no home directory: set LOCALCLOUD_HOME, or give --home\n"
    assert (result.exit_code, result.output) == (1, expected)


def test_images_are_registered_listed_and_forgotten(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    assert call(tmp_path, "image", "add", "train:v1", str(tmp_path / "code")).exit_code == 0
    assert call(tmp_path, "image", "list").output == f"train:v1\t{tmp_path / 'code'}\n"
    assert call(tmp_path, "image", "remove", "train:v1").exit_code == 0
    again = call(tmp_path, "image", "remove", "train:v1")
    assert (again.exit_code, again.output) == (1, "Error: train:v1 is not registered\n")
    assert "not an image name" in call(tmp_path, "image", "add", "Bad!", str(tmp_path)).output


@pytest.mark.parametrize("words", [["faults", "list"], ["requests"], ["set"], ["faults", "add", "throttle"]])
def test_a_cloud_that_is_down_says_how_to_start_it(tmp_path: Path, words: list[str]) -> None:
    result = call(tmp_path, *words)
    assert (result.exit_code, result.output) == (1, "Error: it is not up; `localcloud up` starts it\n")


def test_down_without_a_server_is_no_error(tmp_path: Path) -> None:
    assert call(tmp_path, "down").output == "was not up\n"
    assert call(tmp_path / "none", "down").exit_code == 0


def test_every_kind_of_fault_is_explained(tmp_path: Path) -> None:
    lines = call(tmp_path, "faults", "kinds").output.splitlines()
    assert len(lines) == 14
    assert all(line.split(maxsplit=1)[1:] for line in lines)


@pytest.mark.wire
def test_faults_and_settings_from_the_command_line(cloud: Cloud) -> None:
    home = cloud.place.root
    added = call(home, "faults", "add", "throttle", "--service", "s3", "--times", "0", "--match", "Bucket=a*")
    assert added.output.startswith("fault ")
    fault = json.loads(call(home, "faults", "list").output)
    assert (fault["kind"], fault["times"], fault["match"]) == ("throttle", None, {"Bucket": "a*"})
    assert call(home, "faults", "clear", str(fault["id"])).output == "cleared: 1\n"
    assert "unknown kind 'nope'" in call(home, "faults", "add", "nope").output
    assert call(home, "faults", "add", "throttle", "--match", "x").exit_code == 2
    assert json.loads(call(home, "set", "--no-check-images").output)["check_images"] is False
    assert json.loads(call(home, "set", "--check-images").output)["check_images"] is True
    cloud.client("iam").list_roles()
    seen = json.loads(call(home, "requests", "--service", "iam").output)
    assert (seen["operation"], seen["status"]) == ("ListRoles", 200)


@pytest.mark.wire
def test_faults_and_requests_of_google_s_services_from_the_command_line(cloud: Cloud) -> None:
    home = cloud.place.root
    added = call(home, "faults", "add", "throttle", "--service", "storage", "--operation", "ListBuckets")
    assert added.output.startswith("fault ")
    with pytest.raises(Refused, match="429"):
        cloud.google("GET", "storage/storage/v1/b")
    seen = json.loads(call(home, "requests", "--service", "storage").output)
    assert (seen["operation"], seen["status"], seen["fault"]) == ("ListBuckets", 429, "throttle")
