"""Command jobs really run: their processes, folders, variables, logs and ends are those of Azure ML."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from localcloud.cloud import Refused
from tests.localcloud.azure.inside import WORKSPACE, Json
from tests.localcloud.azure.stage import HISTORY, Stage

pytestmark = pytest.mark.wire

SLEEP = "import time\nprint('here')\ntime.sleep(60)"
PRINT = "import json, os; print(json.dumps(dict(os.environ)))"
TORCH = {"distributionType": "PyTorch", "processCountPerInstance": 1}


def environment(stage: Stage, name: str, log: str = "user_logs/std_log.txt") -> dict[str, str]:
    """What a job printed of its environment as one line of JSON."""
    return dict(json.loads(next(line for line in stage.lines(name, log) if line.startswith("{"))))


def seconds(run: Json, start: str, end: str) -> float:
    return (datetime.fromisoformat(run[end]) - datetime.fromisoformat(run[start])).total_seconds()


def test_a_job_goes_from_starting_to_completed_with_its_times(stage: Stage) -> None:
    created = stage.create(stage.job("print('hello')", tags={"team": "ml"}))
    assert created["properties"]["status"] in ("Starting", "Preparing", "Queued", "Running")
    run = stage.ended(created["name"])
    assert (run["status"], run["target"], run["tags"]) == ("Completed", "cpu", {"team": "ml"})
    assert run["createdUtc"] <= run["startTimeUtc"] <= run["endTimeUtc"]
    assert "error" not in run
    assert stage.lines(created["name"]) == ["hello"]
    job = stage.get(created["name"])
    assert job["properties"]["properties"] == {}
    assert job["properties"]["services"]["Studio"]["endpoint"].endswith(f"?wsid={WORKSPACE}")


def test_a_job_whose_image_no_folder_stands_for_says_so_before_all_else(stage: Stage) -> None:
    request = stage.job("pass")
    stage.cloud.images.remove(request["name"])
    name = stage.create(request)["name"]
    assert stage.ended(name)["status"] == "Failed"
    first, second = stage.lines(name)
    assert first.startswith(f"localcloud: no folder stands for image docker.io/{name}:v1")
    assert "program.py" in second


def test_outputs_are_folders_of_containers_at_once_and_inputs_can_be_read(stage: Stage) -> None:
    stage.put("data/rows/a.csv", "1,2\n")
    inputs = {
        "rows": {
            "jobInputType": "uri_folder",
            "mode": "ReadOnlyMount",
            "uri": "azureml://datastores/data/paths/rows",
        },
        "rate": {"jobInputType": "literal", "value": "0.1"},
        "copied": {
            "jobInputType": "uri_file",
            "mode": "Download",
            "uri": "https://acct.blob.core.windows.net/data/rows/a.csv",
        },
    }
    name = stage.create(
        stage.job(
            "import os, pathlib, sys, time",
            "rows, rate, copied, out = sys.argv[1:]",
            "texts = [pathlib.Path(path).read_text().strip() for path in (rows + '/a.csv', copied)]",
            "print(texts[0], rate, texts[1])",
            "pathlib.Path(out, 'model.txt').write_text('weights')",
            "print(out == os.environ['AZURE_ML_OUTPUT_output'], rows == os.environ['AZURE_ML_INPUT_rows'])",
            "time.sleep(60)",
            inputs=inputs,
            command="exec python -u program.py ${{inputs.rows}} ${{ inputs.rate }} ${{inputs.copied}} "
            "${{outputs.output}}",
        )
    )["name"]
    stage.said(name, "True True")
    assert stage.lines(name)[0] == "1,2 0.1 1,2"
    assert stage.read(f"output/{name}/model.txt") == "weights"
    stage.cancel(name)
    stage.ended(name)


def test_an_output_in_mode_upload_is_there_when_the_job_has_ended_well(stage: Stage) -> None:
    output = {
        "jobOutputType": "uri_folder",
        "mode": "Upload",
        "uri": "azureml://datastores/output/paths/up",
    }
    command = 'echo done > ${{outputs.late}}/x; test -z "$FAIL"'
    stage.run("", outputs__late=output, command=command, environmentVariables={"FAIL": "1"})
    with pytest.raises(OSError, match="404"):
        stage.read("output/up/x")
    stage.run("", outputs__late=output, command=command)
    assert stage.read("output/up/x") == "done\n"


def test_what_a_job_puts_into_outputs_is_kept_with_its_logs(stage: Stage) -> None:
    name = stage.run("import pathlib", "pathlib.Path('outputs').mkdir()", "open('outputs/m', 'w').write('x')")
    assert stage.read(f"azureml/ExperimentRun/dcid.{name}/outputs/m") == "x"
    assert stage.read(f"azureml/ExperimentRun/dcid.{name}/user_logs/std_log.txt") == ""


def test_the_environment_is_that_of_the_service_and_of_the_job(stage: Stage) -> None:
    name = stage.run(PRINT, environmentVariables={"OWN": "value"}, experimentName="trial")
    seen = environment(stage, name)
    assert (seen["OWN"], seen["AZUREML_RUN_ID"], seen["AZUREML_ARM_PROJECT_NAME"]) == ("value", name, "trial")
    assert (seen["AZUREML_ARM_WORKSPACE_NAME"], seen["AZUREML_ARM_RESOURCEGROUP"]) == ("work", "group")
    assert seen["DEFAULT_IDENTITY_CLIENT_ID"] == stage.client
    assert "MASTER_ADDR" not in seen  # only distributed jobs have one


def test_nodes_of_a_pytorch_job_meet_on_one_port(stage: Stage) -> None:
    name = stage.run(
        "import os, socket, time",
        "rank, count = int(os.environ['NODE_RANK']), int(os.environ['WORLD_SIZE'])",
        "assert (rank, os.environ['LOCAL_RANK']) == (int(os.environ['RANK']), '0')",
        "address = os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT'])",
        "if rank == 0:",
        "    server = socket.create_server(address)",
        "    print(sorted(server.accept()[0].recv(9).decode() for _ in range(count - 1)))",
        "else:",
        "    for _ in range(200):",
        "        try:",
        "            peer = socket.create_connection(address)",
        "            break",
        "        except OSError:",
        "            time.sleep(0.05)",
        "    peer.sendall(str(rank).encode())",
        "    print('sent')",
        resources={"instanceCount": 3},
        distribution=TORCH,
    )
    assert stage.status(name) == "Completed"
    logs = stage.logs(name)
    assert logs["user_logs/std_log_process_0.txt"] == ["['1', '2']"]
    assert logs["user_logs/std_log_process_2.txt"] == ["sent"]


def test_every_process_of_a_machine_has_a_rank(stage: Stage) -> None:
    name = stage.run(
        "import os; print(*(os.environ[name] for name in ('NODE_RANK', 'LOCAL_RANK', 'RANK', 'WORLD_SIZE')))",
        resources={"instanceCount": 2},
        distribution=TORCH | {"processCountPerInstance": 2},
    )
    printed = {log: lines for log, lines in stage.logs(name).items() if log.startswith("user_logs")}
    assert sorted(line for lines in printed.values() for line in lines) == [
        "0 0 0 4", "0 1 1 4", "1 0 2 4", "1 1 3 4",
    ]  # fmt: skip


def test_mpi_tells_ranks_in_its_own_words(stage: Stage) -> None:
    name = stage.run(
        PRINT,
        resources={"instanceCount": 2},
        distribution={"distributionType": "Mpi", "processCountPerInstance": 1},
    )
    seen = environment(stage, name, "user_logs/std_log_process_1.txt")
    assert (seen["OMPI_COMM_WORLD_RANK"], seen["OMPI_COMM_WORLD_SIZE"]) == ("1", "2")
    assert seen["AZ_BATCH_MASTER_NODE"].startswith("127.0.0.")
    assert not {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"} & set(seen)


def test_a_job_is_its_identity_to_azure_s_clients(stage: Stage) -> None:
    name = stage.run(
        "import base64, json, os",
        "from azure.identity import DefaultAzureCredential",
        "token = DefaultAzureCredential().get_token('https://storage.azure.com/.default').token",
        "claims = json.loads(base64.urlsafe_b64decode(token.split('.')[1] + '=='))",
        "print(claims['appid'], claims['aud'], claims['idtyp'])",
    )
    assert stage.lines(name)[-1] == f"{stage.client} https://storage.azure.com app"


@pytest.mark.parametrize(
    ("code", "shown"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_a_process_that_fails_fails_the_job_with_its_exit_code(stage: Stage, code: str, shown: int) -> None:
    run = stage.ended(stage.create(stage.job(code))["name"])
    assert run["status"] == "Failed"
    assert run["error"]["error"]["code"] == "UserError"
    assert f"exited with status code {shown}. " in run["error"]["error"]["message"]
    assert "'user_logs/std_log.txt'" in run["error"]["error"]["message"]


def test_one_node_that_fails_ends_the_others(stage: Stage) -> None:
    name = stage.run(
        "import os, time",
        "time.sleep(60) if os.environ['RANK'] == '0' else exit(4)",
        resources={"instanceCount": 2},
        distribution=TORCH,
    )
    assert "status code 4" in stage.details(name)["error"]["error"]["message"]
    assert "std_log_process_1" in stage.details(name)["error"]["error"]["message"]


def test_a_cancelled_job_gets_a_signal_and_is_canceled(stage: Stage) -> None:
    name = stage.create(
        stage.job(
            "import signal, sys, time",
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('stopping')))",
            "print('here')",
            "time.sleep(60)",
        )
    )["name"]
    stage.said(name, "here")
    stage.cancel(name)
    assert stage.status(name) in ("CancelRequested", "Canceled")
    assert stage.ended(name)["status"] == "Canceled"
    assert stage.lines(name) == ["here", "stopping"]
    with pytest.raises(Refused, match="cannot be canceled"):
        stage.cancel(name)


def test_a_job_that_reaches_its_time_limit_is_canceled_after_as_much_time(stage: Stage) -> None:
    run = stage.ended(stage.create(stage.job(SLEEP, limits__timeout="PT1S"))["name"])
    assert run["status"] == "Canceled"
    assert seconds(run, "startTimeUtc", "endTimeUtc") >= 1


def test_an_input_that_is_not_there_fails_the_job_when_it_starts(stage: Stage) -> None:
    uri = "azureml://datastores/data/paths/nothing"
    name = stage.run("", inputs={"rows": {"jobInputType": "uri_folder", "uri": uri}})
    assert uri in stage.details(name)["error"]["error"]["message"]


def test_jobs_are_listed_in_pages_the_newest_first(stage: Stage) -> None:
    names = [stage.run("", tags={"many": "yes"}) for _ in range(12)]
    first = stage.ask("GET", f"{WORKSPACE}/jobs?tag=many")
    assert [one["name"] for one in first["value"]] == names[:1:-1]
    second = stage.cloud.azure("GET", first["nextLink"].partition("/_azure/")[2])
    assert ([one["name"] for one in second["value"]], "nextLink" in second) == (names[1::-1], False)
    assert stage.ask("GET", f"{WORKSPACE}/jobs?tag=none") == {"value": []}


def test_many_runs_are_told_at_once_with_those_that_are_not_there(stage: Stage) -> None:
    name = stage.run("print(1)")
    wanted = {key: {"runId": key, "selectRunMetadata": True} for key in (name, "nobody")}
    found = stage.cloud.azure("POST", f"{HISTORY}/batchrundata", {"requests": wanted})
    assert found["successfulResults"][name]["runMetadata"]["status"] == "Completed"
    assert found["failedResults"]["nobody"]["error"]["code"] == "UserError"
    assert [one["operation"] for one in stage.cloud.requests("runhistory")][-1] == "BatchGetRunData"


def test_a_job_goes_when_it_has_ended_and_not_before(stage: Stage) -> None:
    name = stage.create(stage.job(SLEEP))["name"]
    with pytest.raises(Refused, match="cancel it before deleting"):
        stage.ask("DELETE", stage.id(name))
    stage.cancel(name)
    stage.ended(name)
    stage.ask("DELETE", stage.id(name))
    with pytest.raises(Refused, match="ResourceNotFound"):
        stage.get(name)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"jobType": "Pipeline", "jobs": {}}, "is invalid"),
        ({"environmentId": f"{WORKSPACE}/environments/none/versions/1"}, "Could not find environment"),
        ({"computeId": f"{WORKSPACE}/computes/none"}, "Could not find compute"),
        ({"computeId": None}, "needs an instance type"),
        ({"computeId": None, "resources": {"instanceType": "Standard_Nothing"}}, "not supported"),
        ({"resources": {"instanceCount": 4}}, "exceeds the maximum node count 3"),
        ({"queueSettings": {"jobTier": "Spot"}}, "serverless compute only"),
        ({"identity__clientId": "22222222-2222-4222-8222-222222222222"}, "is not assigned to computes cpu"),
        ({"command": "echo ${{outputs.none}}"}, "outputs.none"),
        ({"command": "echo ${{inputs.none}}"}, "inputs.none"),
        ({"limits__timeout": "one hour"}, "is not a duration"),
        ({"limits__jobLimitsType": None}, "limits.jobLimitsType"),
        ({"image": "docker.io/x"}, "image: there is no such property"),
        ({"status": "Completed"}, "status: the service says it"),
        ({"outputs__output__uri": "azureml://datastores/none/paths/x"}, "Could not find datastore none"),
        ({"outputs__output__uri": "https://other.blob.core.windows.net/x/y"}, "does not exist"),
        ({"outputs__output__uri": "s3://bucket/x"}, "is not one of a datastore"),
        ({"outputs__output__uri": "azureml://datastores/output/paths/../x"}, "leaves its container"),
        ({"resources": {"instanceCount": 0}}, "at least 1"),
    ],
)  # fmt: skip
def test_a_job_that_breaks_a_rule_is_refused(stage: Stage, changes: Any, text: str) -> None:
    with pytest.raises(Refused) as caught:
        stage.create(stage.job("pass", **changes))
    assert caught.value.status == 400
    assert text in caught.value.error["message"]


def test_a_name_is_one_job_for_ever(stage: Stage) -> None:
    request = stage.job("print(1)")
    name = stage.create(request)["name"]
    stage.ended(name)
    tagged = {"name": name, "properties": request["properties"] | {"tags": {"a": "b"}}}
    assert stage.create(tagged)["properties"]["tags"] == {"a": "b"}
    assert stage.lines(name) == ["1"]
    other = {"name": name, "properties": request["properties"] | {"command": "echo 2"}}
    with pytest.raises(Refused, match="A job with this name already exists"):
        stage.create(other)
