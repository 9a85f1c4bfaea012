"""What dispatch-run prints on each cloud (golden files), and how it ends before a command has started."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from dispatcher import __version__
from dispatcher.runtime import code, process
from dispatcher.runtime.__main__ import grace, main
from tests.backends.cases import GOLDEN

PRINTED = GOLDEN / "runtime"
CLOUDS = ("aws", "gcp", "azure")
JOBS = ("with-dispatch-run", "two-nodes-with-dispatch-run")


@pytest.fixture(autouse=True)
def signals_of_the_test_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay as they are: Ctrl-C is meant for pytest."""
    monkeypatch.setattr(process, "end_when_asked", lambda say: None)


def rendered(cloud: str, job: str) -> list[dict[str, Any]]:
    """The bodies that the golden file of a request says are sent."""
    path = GOLDEN / "requests" / ("" if cloud == "aws" else cloud) / f"{job}.json"
    document = json.loads(path.read_text())
    return [one["body"] for one in document.get("requests", [document])]


def container(cloud: str, job: str, root: Path) -> dict[str, str]:
    """The environment in the last node of the job: what is sent, and what the cloud adds by itself."""
    body = rendered(cloud, job)[-1]
    if cloud == "aws":
        hosts = [f"algo-{n + 1}" for n in range(body["ResourceConfig"]["InstanceCount"])]
        (root / "config").mkdir()
        (root / "output").mkdir()
        (root / "config" / "resourceconfig.json").write_text(
            json.dumps({"current_host": hosts[-1], "hosts": hosts, "network_interface_name": "eth0"})
        )
        return {**body["Environment"], "SM_INPUT_CONFIG_DIR": f"{root}/config", "SM_OUTPUT_DIR": f"{root}/output"}
    if cloud == "gcp":
        pools = body["jobSpec"]["workerPoolSpecs"]
        sent = {one["name"]: one["value"] for one in pools[-1]["containerSpec"]["env"]}
        cluster = {f"workerpool{n}": [f"cmle-training-workerpool{n}-ab-0:2222"] for n in range(len(pools))}
        task = {"type": f"workerpool{len(pools) - 1}", "index": 0, "trial": ""}
        return {**sent, "CLUSTER_SPEC": json.dumps({"cluster": cluster, "environment": "cloud", "task": task})}
    fields = body["properties"]
    nodes = fields["resources"]["instanceCount"]
    added = {"AZUREML_RUN_ID": "train-k3v9x2-1", "AZUREML_NODE_COUNT": str(nodes)}
    if nodes > 1:
        added |= {"NODE_RANK": "1", "MASTER_ADDR": "10.0.0.4", "MASTER_PORT": "6105", "WORLD_SIZE": "2"}
    whole = {**fields["environmentVariables"], **added}
    for name, value in re.findall(r'(\w+)="([^"]*)"', fields["command"]):
        mounted = re.sub(r"\$\{\{outputs\.(\w+)\}\}", r"/mnt/azureml/cr/j/ab/cap/data-capability/wd/\1", value)
        whole[name] = re.sub(r"\$(\w+)", lambda word: whole[word[1]], mounted)
    return whole


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_it_prints_is_what_its_golden_file_says(
    cloud: str, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`REWRITE_GOLDEN=1` writes the files anew; the difference is then read like code."""
    monkeypatch.setattr(os, "environ", container(cloud, job, tmp_path))
    assert main(["--print"]) == 0
    text = capsys.readouterr().out.replace(str(tmp_path), "/opt/ml").replace(__version__, "VERSION")
    text = text.replace("/opt/ml/config", "/opt/ml/input/config")
    monkeypatch.undo()
    path = PRINTED / f"{cloud}-{job}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_the_variables_it_sets_have_one_meaning_on_all_clouds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = []
    for cloud in CLOUDS:
        (tmp_path / cloud).mkdir()
        monkeypatch.setattr(os, "environ", container(cloud, "two-nodes-with-dispatch-run", tmp_path / cloud))
        main(["--print"])
        shown = capsys.readouterr().out.partition("environment\n")[2]
        names.append(dict(line.strip().split("=", 1) for line in shown.splitlines()))
    assert names[0].keys() == names[1].keys() == names[2].keys()
    for same in ("NODE_RANK", "RANK", "WORLD_SIZE", "DISPATCH_NODES", "DISPATCH_NODE_RANK", "DISPATCH_JOB_ID"):
        assert len({found[same] for found in names}) == 1


def test_it_tells_who_asks_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: dispatch-run [--print] [--] COMMAND...")
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dispatch-run {__version__}\n"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "there is no command to run"),
        (["--"], "there is no command to run"),
        (["--verbose", "--", "true"], "--verbose is not an option of dispatch-run: put -- before the command"),
    ],
)
def test_a_wrong_use_is_told_and_ends_with_125(
    words: list[str], what: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {})
    assert main(words) == 125
    assert what in capfd.readouterr().err


def test_a_fault_is_a_line_in_the_log_and_the_reason_of_the_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {"SM_OUTPUT_DIR": str(tmp_path), "DISPATCH_NODES": "2"})
    assert main(["--", "true"]) == 125
    told = capfd.readouterr().err
    assert told.startswith("dispatch-run: the job has 2 nodes, and nothing in this container says which")
    assert (tmp_path / "failure").read_text() == told.strip()


def test_a_secret_that_cannot_be_had_ends_the_job_before_its_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the command was started")

    monkeypatch.setattr(process, "run", never)
    monkeypatch.setattr(os, "environ", {"DISPATCH_SECRET_TOKEN": "vault://x"})
    assert main(["--", "true"]) == 125
    told = capfd.readouterr().err
    assert told.startswith("dispatch-run: ")
    assert "TOKEN" in told


def test_the_grace_time_is_the_cloud_s_own_where_it_gives_one() -> None:
    assert grace("aws") == 120
    assert grace("gcp") is grace("azure") is grace("elsewhere") is None


@pytest.mark.parametrize(("cloud", "stored"), [("gcp", ["new.pt"]), ("azure", ["new.pt"]), ("aws", [])])
def test_checkpoints_of_the_command_are_handed_to_the_store_where_the_cloud_copies_none(
    cloud: str, stored: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old.pt").touch()
    os.utime(tmp_path / "old.pt", (100, 100))

    def command(*_: object, **__: object) -> process.End:
        (tmp_path / "new.pt").touch()
        os.utime(tmp_path / "new.pt", (9e9, 9e9))
        return process.End(0)

    synced: list[str] = []
    monkeypatch.setattr(process, "run", command)
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
    )
    monkeypatch.setattr(os, "environ", {"DISPATCH_CLOUD": cloud, "DISPATCH_CHECKPOINT_DIR": str(tmp_path)})
    assert main(["--", "train"]) == 0
    assert synced == stored


def test_code_is_gone_when_its_command_could_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(code, "unpack", lambda environ: str(unpacked))
    monkeypatch.setattr(os, "environ", {"DISPATCH_SECRET_TOKEN": "vault://x"})
    assert main(["--", "true"]) == 125
    assert not unpacked.exists()
