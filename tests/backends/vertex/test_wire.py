"""The Vertex AI backend against a local Google Cloud, on good days and bad ones, with Google's own client."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest

from dispatcher.backends.base import State
from dispatcher.backends.faults import QuotaExceeded
from dispatcher.errors import AlreadyExistsError, NotFoundError, SpecError, UnreachableError
from dispatcher.job import Job, Resources
from tests.backends.conformance import until
from tests.backends.vertex.landing import INSTANCE, PROJECT, REGION, VertexLanding

pytestmark = pytest.mark.wire


def test_the_body_on_the_wire_is_the_rendered_one_and_the_job_runs_to_its_model(
    vertex_landing: VertexLanding, tmp_path: Path
) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(
        backend,
        "import os, pathlib, sys",
        "print('hello', *sys.argv[1:])",
        "outputs = pathlib.Path(os.environ['DISPATCH_OUTPUT_DIR'])",
        "outputs.mkdir(parents=True)",
        "(outputs / 'model.txt').write_text('weights')",
        job=lambda job: dataclasses.replace(job, command=(*job.command, "--lr", "0.1")),
    )
    resource = backend.submit(request)
    (seen,) = vertex_landing.cloud.requests("aiplatform", "CreateCustomJob")
    assert json.dumps(seen["body"]) == json.dumps(request.operations[0].body), "to the order of its keys"
    final = until(backend, request.name)
    assert (final.state, final.provider_id, final.cause) == (State.SUCCEEDED, resource, ""), final.reason
    assert final.model_uri == f"gs://wire-gcs-output/{request.name}"
    assert final.billable_seconds is not None
    assert [line.text for line in backend.logs(request.name)] == ["hello --lr 0.1"]
    assert {line.node for line in backend.logs(request.name)} == {"workerpool0-0"}
    (file,) = backend.fetch(request.name, tmp_path / "results")
    assert (file, file.read_text()) == (tmp_path / "results" / "model.txt", "weights")


# One job, whatever happens


def test_a_name_that_is_taken_can_be_adopted(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "pass")
    resource = backend.submit(request)
    with pytest.raises(AlreadyExistsError, match=request.name):
        backend.submit(request)
    adopted = vertex_landing.backend().adopt(request.name)
    assert adopted is not None
    assert adopted.provider_id == resource
    assert len(vertex_landing.jobs(request.name)) == 1


def test_an_effect_whose_answer_was_lost_is_found_by_its_label(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("lost", operation="CreateCustomJob")
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "pass")
    resource = backend.submit(request)
    (job,) = vertex_landing.jobs(request.name)
    assert job["name"] == resource
    assert vertex_landing.calls("CreateCustomJob") == ["CreateCustomJob"]


def test_a_lost_job_that_is_listed_late_is_neither_sent_again_nor_forgotten(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "pass")
    vertex_landing.cloud.fault("lost", operation="CreateCustomJob")
    vertex_landing.cloud.fault("lagging", operation="ListCustomJobs", seconds=3600, times=100)
    with pytest.raises(UnreachableError, match="did not answer CreateCustomJob"):
        backend.submit(request)
    assert backend.adopt(request.name) is None
    vertex_landing.cloud.clear()
    assert backend.adopt(request.name) is not None
    assert len(vertex_landing.jobs(request.name)) == 1


def test_a_lost_job_that_may_not_be_looked_up_is_of_unknown_outcome(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "pass")
    assert backend.adopt(request.name) is None
    vertex_landing.cloud.fault("slow", operation="ListCustomJobs", seconds=0)
    vertex_landing.cloud.fault("lost", operation="CreateCustomJob")
    vertex_landing.cloud.fault("expired", operation="ListCustomJobs", times=100)
    with pytest.raises(UnreachableError, match="did not answer CreateCustomJob"):
        backend.submit(request)


def test_a_create_that_never_arrived_makes_no_job_and_is_not_repeated(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("reset", operation="CreateCustomJob", times=100)
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "pass")
    with pytest.raises(UnreachableError, match=f"Google Cloud in {REGION} did not answer"):
        backend.submit(request)
    assert vertex_landing.calls("CreateCustomJob") == ["CreateCustomJob"]
    assert vertex_landing.jobs(request.name) == []


def test_a_create_that_was_throttled_had_no_effect_and_is_made_again(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("throttle", operation="CreateCustomJob", times=1)
    backend = vertex_landing.backend()
    backend.submit(request := vertex_landing.request(backend, "pass"))
    assert len(vertex_landing.jobs(request.name)) == 1
    assert len(vertex_landing.naps) == 1


def test_of_two_jobs_with_one_name_the_older_is_ours(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "pass")
    resource = backend.submit(request)
    parent = f"aiplatform/v1/projects/{PROJECT}/locations/{REGION}/customJobs"
    vertex_landing.call(parent, request.operations[0].body)
    assert len(vertex_landing.jobs(request.name)) == 2
    seen = backend.poll([request.name])[request.name]
    (younger,) = {job["name"] for job in vertex_landing.jobs(request.name)} - {resource}
    assert seen.provider_id == resource
    assert f"has the same job again: {younger.rpartition('/')[2]}" in seen.reason, "somebody has to know"


def test_cancelling_stops_every_job_of_the_name(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "import time; time.sleep(60)")
    backend.submit(request)
    parent = f"aiplatform/v1/projects/{PROJECT}/locations/{REGION}/customJobs"
    vertex_landing.call(parent, request.operations[0].body)
    backend.cancel(request.name)
    states = {job["state"] for job in vertex_landing.jobs(request.name)}
    assert len(vertex_landing.jobs(request.name)) == 2
    assert states <= {"JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED"}


def test_a_field_that_google_s_types_do_not_know_is_never_sent(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "pass")
    (operation,) = request.operations
    wrong = dataclasses.replace(operation, body={**operation.body, "jobSpeck": {}})
    with pytest.raises(SpecError, match="jobSpeck"):
        backend.submit(dataclasses.replace(request, operations=(wrong,)))
    assert vertex_landing.calls() == []


# Refusals


def test_a_quota_is_named_by_its_metric(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("quota", operation="CreateCustomJob")
    backend = vertex_landing.backend()
    with pytest.raises(QuotaExceeded, match=r"(?s)custom_model_training_n2_cpus.*iam-admin/quotas") as caught:
        backend.submit(vertex_landing.request(backend, "pass"))
    assert caught.value.quota == "aiplatform.googleapis.com/custom_model_training_n2_cpus"
    assert caught.value.exit_code == 5
    assert vertex_landing.calls("CreateCustomJob") == ["CreateCustomJob"], "asked for once"


def test_throttled_twice_then_served(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("throttle", operation="ListCustomJobs", times=2)
    assert vertex_landing.backend().adopt("nobody") is None
    assert len(vertex_landing.naps) == 2


@pytest.mark.parametrize(
    ("kind", "words"),
    [("throttle", "throttles ListCustomJobs"), ("5xx", "failed at"), ("reset", "did not answer")],
)
def test_a_service_that_always_fails_is_unreachable(vertex_landing: VertexLanding, kind: str, words: str) -> None:
    vertex_landing.cloud.fault(kind, operation="ListCustomJobs", times=100)
    with pytest.raises(UnreachableError, match=words):
        vertex_landing.backend().poll(["nobody"])


def test_a_request_the_service_refuses_is_a_mistake_of_the_user(vertex_landing: VertexLanding) -> None:
    text = "machine type is not supported"
    vertex_landing.cloud.fault("error", operation="CreateCustomJob", code="INVALID_ARGUMENT", message=text)
    backend = vertex_landing.backend()
    with pytest.raises(SpecError, match=f"Vertex AI CreateCustomJob: {text}"):
        backend.submit(vertex_landing.request(backend, "pass"))


# Watching


def test_many_jobs_are_polled_in_one_call_whatever_their_state(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    requests = [vertex_landing.request(backend, "import time; time.sleep(30)") for _ in range(4)]
    names = [request.name for request in requests]
    for request in requests:
        backend.submit(request)
    until(backend, names[0], State.RUNNING)
    backend.cancel(names[0])
    until(backend, names[0], State.CANCELLED)
    vertex_landing.cloud.clear()
    seen = backend.poll([*names, "nobody-nowhere-1"])
    assert set(seen) == set(names)
    assert seen[names[0]].state is State.CANCELLED
    assert vertex_landing.calls() == ["ListCustomJobs"]
    for name in names:
        backend.cancel(name)


def test_a_list_of_many_pages_is_read_to_its_end(
    vertex_landing: VertexLanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = vertex_landing.backend()
    requests = [vertex_landing.request(backend, "pass") for _ in range(3)]
    for request in requests:
        backend.submit(request)
    monkeypatch.setattr("dispatcher.backends.vertex.backend.PAGE", 1)
    vertex_landing.cloud.clear()
    assert set(backend.poll([request.name for request in requests])) == {request.name for request in requests}
    assert len(vertex_landing.calls("ListCustomJobs")) == 3


def test_a_list_that_lags_leaves_a_new_job_out_and_nothing_else(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    backend.submit(request := vertex_landing.request(backend, "pass"))
    vertex_landing.cloud.fault("lagging", operation="ListCustomJobs", seconds=3600, times=1)
    assert backend.poll([request.name]) == {}
    assert backend.poll([request.name])[request.name].state is not None


def test_a_job_that_runs_too_long_is_timed_out_though_vertex_says_cancelled(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(
        backend, "import time; time.sleep(60)", job=lambda job: dataclasses.replace(job, max_runtime=1)
    )
    backend.submit(request)
    final = until(backend, request.name)
    assert (final.state, final.vendor_state) == (State.TIMED_OUT, "JOB_STATE_CANCELLED")


def test_a_program_that_fails_says_so(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    backend.submit(request := vertex_landing.request(backend, "raise SystemExit(3)"))
    final = until(backend, request.name)
    assert (final.state, final.cause) == (State.FAILED, "program")
    assert "3" in final.reason


def test_no_capacity_is_the_cause_of_a_failure(vertex_landing: VertexLanding) -> None:
    vertex_landing.cloud.fault("capacity", service="aiplatform", seconds=0.1)
    backend = vertex_landing.backend()
    backend.submit(request := vertex_landing.request(backend, "pass"))
    final = until(backend, request.name)
    assert (final.state, final.cause) == (State.FAILED, "capacity")


# Cancelling


def test_a_job_can_be_cancelled_and_cancelling_again_is_no_error(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    backend.submit(request := vertex_landing.request(backend, "import time; print('up'); time.sleep(60)"))
    until(backend, request.name, State.RUNNING)
    backend.cancel(request.name)
    backend.cancel(request.name)
    assert until(backend, request.name).state is State.CANCELLED
    backend.cancel(request.name)


def test_a_job_that_ends_while_it_is_being_cancelled_is_left_alone(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    backend.submit(request := vertex_landing.request(backend, "import time; time.sleep(60)"))
    until(backend, request.name, State.RUNNING)
    other = vertex_landing.backend()
    known = other._named([request.name])
    backend.cancel(request.name)
    until(backend, request.name)
    found = iter([known])
    named = other._named
    other._named = lambda names: next(found, None) or named(names)  # type: ignore[method-assign] # a late look
    other.cancel(request.name)
    assert vertex_landing.calls("CancelCustomJob") == ["CancelCustomJob"] * 2


def test_cancelling_a_job_that_never_was_is_not_found(vertex_landing: VertexLanding) -> None:
    with pytest.raises(NotFoundError, match="lists no job nobody"):
        vertex_landing.backend().cancel("nobody")


# Logs and outputs


def test_logs_are_followed_to_the_end_and_only_this_jobs_are_shown(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    script = "import time\nfor n in range(5): print('line', n); time.sleep(0.2)"
    first = vertex_landing.request(backend, script)
    second = vertex_landing.request(backend, script.replace("line", "other"))
    backend.submit(first)
    backend.submit(second)

    def done() -> bool:
        time.sleep(0.05)
        seen = backend.adopt(first.name)
        return bool(seen and seen.state and seen.state.final)

    followed = [line.text for line in backend.logs(first.name, follow=True, done=done)]
    assert followed == [f"line {n}" for n in range(5)]
    until(backend, second.name)


def test_every_node_of_a_job_is_told_its_rank_and_heard(vertex_landing: VertexLanding) -> None:
    backend = vertex_landing.backend()
    request = vertex_landing.request(
        backend,
        "import json, os, socket, time",
        "cluster = json.loads(os.environ['CLUSTER_SPEC'])",
        "task = cluster['task']",
        "for n in range(2): print(task['type'], task['index'], n, flush=True); time.sleep(0.1)",
        # A job ends with its primary replica, which therefore waits for the others.
        "host, port = cluster['cluster']['workerpool0'][0].split(':')",
        "if task['type'] == 'workerpool0':",
        "    here = socket.create_server((host, int(port)))",
        "    others = [here.accept() for _ in range(2)]",
        "else:",
        "    while socket.socket().connect_ex((host, int(port))): time.sleep(0.05)",
        job=lambda job: dataclasses.replace(job, resources=Resources(instance=INSTANCE, nodes=3)),
    )
    backend.submit(request)
    assert until(backend, request.name).state is State.SUCCEEDED
    lines = list(backend.logs(request.name))
    assert len(lines) == 6
    assert {line.node for line in lines} == {"workerpool0-0", "workerpool1-0", "workerpool1-1"}
    assert [line.time for line in lines] == sorted(line.time for line in lines)


def test_fetching_from_a_job_without_outputs_is_not_found(vertex_landing: VertexLanding, tmp_path: Path) -> None:
    backend = vertex_landing.backend()
    backend.submit(request := vertex_landing.request(backend, "import time; time.sleep(30)"))
    with pytest.raises(NotFoundError, match="has no outputs at gs://wire-gcs-output/"):
        backend.fetch(request.name, tmp_path)
    backend.cancel(request.name)


# Others


def test_google_s_own_client_lists_reads_and_cancels_the_job(vertex_landing: VertexLanding) -> None:
    from google.cloud.aiplatform_v1 import JobServiceClient, JobState
    from google.oauth2.credentials import Credentials

    options = {"api_endpoint": f"{vertex_landing.cloud.url}/_gcp/aiplatform"}
    client = JobServiceClient(transport="rest", credentials=Credentials("testing"), client_options=options)
    backend = vertex_landing.backend()
    request = vertex_landing.request(backend, "import time; time.sleep(60)")
    resource = backend.submit(request)
    until(backend, request.name, State.RUNNING)
    parent = f"projects/{PROJECT}/locations/{REGION}"
    listed = client.list_custom_jobs(
        request={"parent": parent, "filter": f'labels.dispatch-name="{request.name}"'}
    )
    assert [job.name for job in listed] == [resource]
    job = client.get_custom_job(name=resource)
    assert job.state == JobState.JOB_STATE_RUNNING
    assert job.job_spec.service_account == vertex_landing.zone.identities.execution
    client.cancel_custom_job(name=resource)
    assert until(backend, request.name).state is State.CANCELLED


def test_nothing_of_the_job_differs_between_two_renders_but_its_names(vertex_landing: VertexLanding) -> None:
    from dispatcher.backends.base import Submission
    from dispatcher.queue import Queue

    backend, queue = vertex_landing.backend(), Queue("training", "gcp-usc1")
    job = Job(image="train", command=("x",), resources=Resources(instance=INSTANCE))
    first = backend.render(job, queue, Submission("a", 1, "t")).operations[0].body
    second = backend.render(job, queue, Submission("b", 1, "t")).operations[0].body
    assert {key for key in first if first[key] != second[key]} == {"displayName", "jobSpec", "labels"}
