"""The Azure ML backend against a local Azure, on good days and bad ones, with Microsoft's own client."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest

from dispatcher.backends.azureml.faults import NotFromHere, ZoneGone
from dispatcher.backends.base import State, Submission
from dispatcher.backends.faults import QuotaExceeded
from dispatcher.errors import AlreadyExistsError, NotFoundError, SpecError, UnreachableError, UsageError
from dispatcher.job import Job, Resources
from tests.backends.azureml.landing import INSTANCE, AzureLanding
from tests.backends.conformance import until

pytestmark = pytest.mark.wire

ASLEEP = "import time; time.sleep(60)"


def test_both_bodies_on_the_wire_are_the_rendered_ones_and_the_job_runs_to_its_model(
    azure_landing: AzureLanding, tmp_path: Path
) -> None:
    backend = azure_landing.backend()
    request = azure_landing.request(
        backend,
        "import os, pathlib, sys",
        "print('hello', *sys.argv[1:])",
        "outputs = pathlib.Path(os.environ['DISPATCH_OUTPUT_DIR']) / 'model'",
        "outputs.mkdir(parents=True)",
        "(outputs / 'model.txt').write_text('weights')",
        job=lambda job: dataclasses.replace(job, command=(*job.command, "--lr", "0.1")),
    )
    resource = backend.submit(request)
    for operation in request.operations:
        (seen,) = azure_landing.cloud.requests("machinelearningservices", operation.operation)
        assert json.dumps(seen["body"]) == json.dumps(operation.body), "to the order of its keys"
        assert seen["parameters"]["id"] == operation.path
    assert resource == request.operations[1].path
    final = until(backend, request.name)
    assert (final.state, final.provider_id, final.cause) == (State.SUCCEEDED, resource, ""), final.reason
    assert final.model_uri == f"https://acct.blob.core.windows.net/output/{request.name}"
    assert final.billable_seconds is not None
    assert final.links["console"].startswith(f"https://ml.azure.com/runs/{request.name}")
    assert [line.text for line in backend.logs(request.name)] == ["hello --lr 0.1"]
    assert {line.node for line in backend.logs(request.name)} == {"std_log"}
    (file,) = backend.fetch(request.name, tmp_path / "results")
    assert (file, file.read_text()) == (tmp_path / "results" / "model" / "model.txt", "weights")


# One job, whatever happens


def test_a_name_that_is_taken_is_neither_changed_nor_sent(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    request = azure_landing.request(backend, "pass")
    resource = backend.submit(request)
    until(backend, request.name)
    azure_landing.cloud.clear()
    with pytest.raises(AlreadyExistsError, match=request.name):
        backend.submit(request)
    assert azure_landing.calls() == ["GetJob"], "a PUT would have changed the job"
    adopted = azure_landing.backend().adopt(request.name)
    assert adopted is not None
    assert adopted.provider_id == resource


def test_an_effect_whose_answer_was_lost_is_found_by_its_name(azure_landing: AzureLanding) -> None:
    azure_landing.cloud.fault("lost", operation="PutJob")
    backend = azure_landing.backend()
    request = azure_landing.request(backend, "pass")
    assert backend.submit(request) == request.operations[1].path
    assert azure_landing.calls("PutJob") == ["PutJob"]


def test_a_lost_job_that_may_not_be_looked_up_is_of_unknown_outcome(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    request = azure_landing.request(backend, "pass")
    azure_landing.cloud.fault("slow", operation="GetJob", seconds=0)
    azure_landing.cloud.fault("lost", operation="PutJob")
    azure_landing.cloud.fault("expired", operation="GetJob", times=100)
    with pytest.raises(UnreachableError, match="did not answer PutJob"):
        backend.submit(request)


def test_a_put_that_never_arrived_makes_no_job_and_is_not_repeated(azure_landing: AzureLanding) -> None:
    azure_landing.cloud.fault("reset", operation="PutJob", times=100)
    backend = azure_landing.backend()
    request = azure_landing.request(backend, "pass")
    with pytest.raises(UnreachableError, match="Azure in westeurope did not answer PutJob"):
        backend.submit(request)
    assert azure_landing.calls("PutJob") == ["PutJob"]
    azure_landing.cloud.clear()
    assert backend.adopt(request.name) is None


def test_a_put_that_was_throttled_had_no_effect_and_is_made_again(azure_landing: AzureLanding) -> None:
    azure_landing.cloud.fault("throttle", operation="PutJob", times=1)
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, "pass"))
    assert azure_landing.calls("PutJob") == ["PutJob"] * 2
    assert len(azure_landing.naps) == 1
    assert backend.adopt(request.name) is not None


def test_an_environment_version_may_be_put_as_often_as_it_takes(azure_landing: AzureLanding) -> None:
    azure_landing.cloud.fault("5xx", operation="PutEnvironmentVersion", times=2)
    backend = azure_landing.backend()
    backend.submit(azure_landing.request(backend, "pass"))
    assert azure_landing.calls("PutEnvironmentVersion") == ["PutEnvironmentVersion"] * 3


def test_two_jobs_of_one_image_share_its_environment_version(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    first = azure_landing.request(backend, "pass")
    job = azure_landing.jobs[first.name]
    second = backend.render(job, azure_landing.queue, Submission("again", 2, "wire"))
    assert first.operations[0] == second.operations[0]
    backend.submit(first)
    backend.submit(second)
    for request in (first, second):
        assert until(backend, request.name).state is State.SUCCEEDED


# Refusals


def test_a_quota_is_named_by_its_family(azure_landing: AzureLanding) -> None:
    azure_landing.cloud.fault("quota", operation="PutJob")
    backend = azure_landing.backend()
    with pytest.raises(QuotaExceeded, match="ask for more of standardDSv3Family at https://ml") as caught:
        backend.submit(azure_landing.request(backend, "pass"))
    assert caught.value.exit_code == 5
    assert azure_landing.calls("PutJob") == ["PutJob"], "asked for once"


def test_throttled_twice_then_served_after_as_long_as_azure_asks_for(azure_landing: AzureLanding) -> None:
    azure_landing.cloud.fault("throttle", operation="GetJob", times=2)
    assert azure_landing.backend().adopt("nobody") is None
    assert azure_landing.naps == [1.0, 2.0]


@pytest.mark.parametrize(
    ("kind", "words"), [("throttle", "throttles GetJob"), ("5xx", "failed at"), ("reset", "did not answer")]
)
def test_a_service_that_always_fails_is_unreachable(azure_landing: AzureLanding, kind: str, words: str) -> None:
    azure_landing.cloud.fault(kind, operation="GetJob", times=100)
    with pytest.raises(UnreachableError, match=words):
        azure_landing.backend().poll(["nobody"])


def test_a_request_the_service_refuses_is_a_mistake_of_the_user_in_its_own_words(
    azure_landing: AzureLanding,
) -> None:
    text = "The requested VM size is not supported."
    azure_landing.cloud.fault("error", operation="PutJob", status=400, code="UserError", message=text)
    backend = azure_landing.backend()
    with pytest.raises(SpecError, match=f"Azure ML PutJob: {text}"):
        backend.submit(azure_landing.request(backend, "pass"))


def test_a_workspace_that_is_gone_says_nothing_of_its_jobs(azure_landing: AzureLanding) -> None:
    gone = dataclasses.replace(azure_landing.zone, workspace="deleted")
    with pytest.raises(ZoneGone, match="the zone is not there") as caught:
        azure_landing.backend(zone=gone).poll(["train-1"])
    assert isinstance(caught.value, UsageError)
    assert "keeps its name for 14 days" in caught.value.remedy
    nowhere = dataclasses.replace(azure_landing.zone, resource_group="deleted")
    with pytest.raises(ZoneGone, match="the zone is not there"):
        azure_landing.backend(zone=nowhere).adopt("train-1")


# Watching


def test_few_jobs_are_asked_for_by_name_and_their_times_all_at_once(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    requests = [azure_landing.request(backend, "pass") for _ in range(3)]
    for request in requests:
        backend.submit(request)
        until(backend, request.name)
    azure_landing.cloud.clear()
    names = [request.name for request in requests]
    assert {one.state for one in backend.poll(names).values()} == {State.SUCCEEDED}
    assert azure_landing.calls() == ["GetJob"] * 3
    assert azure_landing.calls(service="runhistory") == ["BatchGetRunData"]


def test_many_jobs_are_found_on_the_list_whatever_their_state(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    requests = [azure_landing.request(backend, ASLEEP) for _ in range(5)]
    names = [request.name for request in requests]
    for request in requests:
        backend.submit(request)
    backend.cancel(names[0])
    until(backend, names[0], State.CANCELLED)
    azure_landing.cloud.clear()
    seen = backend.poll(names)
    assert set(seen) == set(names)
    assert seen[names[0]].state is State.CANCELLED
    assert azure_landing.calls() == ["ListJobs"]
    azure_landing.cloud.clear()
    assert set(backend.poll([*names, "nobody-nowhere-1"])) == set(names)
    assert azure_landing.calls("GetJob") == ["GetJob"], "one that is not listed is asked for"
    for name in names:
        backend.cancel(name)


def test_a_list_of_many_pages_is_read_on(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    requests = [azure_landing.request(backend, "pass") for _ in range(12)]
    for request in requests:
        backend.submit(request)
    azure_landing.cloud.clear()
    assert set(backend.poll([request.name for request in requests])) == {request.name for request in requests}
    assert azure_landing.calls() == ["ListJobs"] * 2
    for request in requests:
        until(backend, request.name)


def test_a_list_that_lags_costs_calls_and_loses_nothing(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    requests = [azure_landing.request(backend, "pass") for _ in range(5)]
    for request in requests:
        backend.submit(request)
    azure_landing.cloud.fault("lagging", operation="ListJobs", seconds=3600, times=100)
    assert len(backend.poll([request.name for request in requests])) == 5


def test_a_job_that_runs_too_long_is_timed_out_though_azure_says_canceled(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    request = azure_landing.request(backend, ASLEEP, job=lambda job: dataclasses.replace(job, max_runtime=1))
    backend.submit(request)
    final = until(backend, request.name)
    assert (final.state, final.vendor_state) == (State.TIMED_OUT, "Canceled")
    assert final.reason == "it ran for its timeout of 1 s"


def test_no_capacity_and_a_machine_taken_away_are_not_the_program_s_fault(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend(zone=azure_landing.serverless)

    def spot(job: Job) -> Job:
        return dataclasses.replace(job, spot=True, checkpoint=True)

    azure_landing.cloud.fault("capacity", service="machinelearningservices", seconds=0.1)
    backend.submit(request := azure_landing.request(backend, "pass", job=spot))
    final = until(backend, request.name)
    assert (final.state, final.cause) == (State.FAILED, "capacity"), final.reason
    azure_landing.cloud.clear()
    backend.submit(request := azure_landing.request(backend, ASLEEP, job=spot))
    until(backend, request.name, State.RUNNING)
    azure_landing.cloud.fault("interrupt", service="machinelearningservices")
    final = until(backend, request.name)
    assert (final.state, final.cause) == (State.FAILED, "interrupted"), final.reason


@pytest.mark.parametrize("status", [403, 502])
def test_from_outside_a_private_workspace_states_are_known_and_reasons_are_not(
    azure_landing: AzureLanding, status: int
) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, "raise SystemExit(3)"))
    until(backend, request.name)
    text = "Access to workspace was denied based on workspace private link configuration."
    azure_landing.cloud.fault(
        "error", service="runhistory", status=status, code="UserError", message=text, times=9
    )
    azure_landing.naps.clear()
    seen = backend.poll([request.name])[request.name]
    assert (seen.state, seen.started_at, seen.billable_seconds) == (State.FAILED, None, None)
    assert "is answered in the zone's own network only" in seen.reason
    with pytest.raises(NotFromHere, match="not allowed from here: GetRunDetails"):
        list(backend.logs(request.name))
    assert azure_landing.naps == [], "asking again would not help"


def test_while_run_history_is_down_no_job_ends_without_its_times(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, "pass"))
    until(backend, request.name)
    azure_landing.cloud.fault("5xx", service="runhistory", times=1)
    meanwhile = backend.poll([request.name])[request.name]
    assert (meanwhile.state, meanwhile.vendor_state) == (State.RUNNING, "Completed")
    assert backend.poll([request.name])[request.name].ended_at is not None


# Cancelling


def test_a_job_can_be_cancelled_and_cancelling_again_is_no_error(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, ASLEEP))
    until(backend, request.name, State.RUNNING)
    backend.cancel(request.name)
    backend.cancel(request.name)
    assert until(backend, request.name).state is State.CANCELLED
    backend.cancel(request.name)
    assert azure_landing.calls("CancelJob") == ["CancelJob"]


def test_a_job_that_ends_while_it_is_being_cancelled_is_left_alone(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, ASLEEP))
    until(backend, request.name, State.RUNNING)
    other = azure_landing.backend()
    known = other._job(request.name)
    backend.cancel(request.name)
    until(backend, request.name)
    found = iter([known])
    look = other._job
    other._job = lambda name: next(found, None) or look(name)  # type: ignore[method-assign] # a late look
    other.cancel(request.name)
    assert azure_landing.calls("CancelJob") == ["CancelJob"] * 2


def test_cancelling_a_job_that_never_was_is_not_found(azure_landing: AzureLanding) -> None:
    with pytest.raises(NotFoundError, match="workspace work has no job nobody"):
        azure_landing.backend().cancel("nobody")


# Logs and outputs


def test_logs_are_followed_to_the_end_and_only_this_jobs_are_shown(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    script = "import time\nfor n in range(5): print('line', n); time.sleep(0.2)\nprint('no end', end='')"
    first = azure_landing.request(backend, script)
    second = azure_landing.request(backend, script.replace("line", "other"))
    backend.submit(first)
    backend.submit(second)

    def done() -> bool:
        time.sleep(0.05)
        seen = backend.adopt(first.name)
        return bool(seen and seen.state and seen.state.final)

    followed = [line.text for line in backend.logs(first.name, follow=True, done=done)]
    assert followed == [*(f"line {n}" for n in range(5)), "no end"]
    until(backend, second.name)


def test_every_node_of_a_job_is_told_its_rank_and_heard(azure_landing: AzureLanding) -> None:
    backend = azure_landing.backend()
    request = azure_landing.request(
        backend,
        "import os",
        "print(os.environ['DISPATCH_NODE_RANK'], os.environ['DISPATCH_NODES'], os.environ['MASTER_ADDR'])",
        job=lambda job: dataclasses.replace(job, resources=Resources(instance=INSTANCE, nodes=3)),
    )
    backend.submit(request)
    assert until(backend, request.name).state is State.SUCCEEDED
    lines = list(backend.logs(request.name))
    assert [line.node for line in lines] == ["process_0", "process_1", "process_2"]
    assert [line.text.split()[:2] for line in lines] == [["0", "3"], ["1", "3"], ["2", "3"]]
    assert len({line.text.split()[2] for line in lines}) == 1


def test_outputs_of_many_pages_come_with_their_directories(azure_landing: AzureLanding, tmp_path: Path) -> None:
    backend = azure_landing.backend()
    request = azure_landing.request(
        backend,
        "import os, pathlib",
        "outputs = pathlib.Path(os.environ['DISPATCH_OUTPUT_DIR']) / 'a b?'",
        "outputs.mkdir(parents=True)",
        "for n in range(3): (outputs / f'{n}.txt').write_text(str(n) * n)",
    )
    backend.submit(request)
    assert until(backend, request.name).state is State.SUCCEEDED
    azure_landing.cloud.fault("reset", service="blob", operation="GetBlob", times=1)
    written = backend.fetch(request.name, tmp_path)
    assert {str(path.relative_to(tmp_path)): path.read_text() for path in written} == {
        "a b?/0.txt": "", "a b?/1.txt": "1", "a b?/2.txt": "22",
    }  # fmt: skip


def test_fetching_from_a_job_without_outputs_is_not_found(azure_landing: AzureLanding, tmp_path: Path) -> None:
    backend = azure_landing.backend()
    backend.submit(request := azure_landing.request(backend, "pass"))
    until(backend, request.name)
    with pytest.raises(NotFoundError, match=rf"no outputs at https://acct\.blob.*/output/{request.name}/"):
        backend.fetch(request.name, tmp_path)
