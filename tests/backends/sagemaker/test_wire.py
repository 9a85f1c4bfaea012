"""The SageMaker backend through the vendor's own client against a local AWS, on good days and bad ones."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest

from dispatcher.backends.base import Observation, State
from dispatcher.backends.faults import NotAllowed, QuotaExceeded, RoleNotAssumable
from dispatcher.contract import Actions
from dispatcher.errors import AlreadyExistsError, AuthError, NotFoundError, SpecError, UnreachableError
from dispatcher.job import Job, Resources
from tests.backends.sagemaker.landing import Landing, trust

pytestmark = pytest.mark.wire


def until(backend: Any, name: str, *states: State, seconds: float = 40) -> Observation:
    """Poll until the job is in one of `states`, or final when none is given."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen: Observation | None = backend.poll([name]).get(name)
        if seen and seen.state and (seen.state in states if states else seen.state.final):
            return seen
        time.sleep(0.05)
    raise AssertionError(f"{name} is {seen}")


def calls(landing: Landing, operation: str = "") -> list[str]:
    return [entry["operation"] for entry in landing.cloud.requests("sagemaker", operation)]


def test_the_body_on_the_wire_is_the_rendered_one_and_the_job_runs_to_its_model(
    landing: Landing, tmp_path: Path
) -> None:
    backend = landing.backend()
    request = landing.request(
        backend,
        "import os, pathlib, sys",
        "print('hello', *sys.argv[1:])",
        "pathlib.Path(os.environ['DISPATCH_OUTPUT_DIR'], 'model.txt').write_text('weights')",
        job=lambda job: dataclasses.replace(job, command=(*job.command, "--lr", "0.1")),
    )
    arn = backend.submit(request)
    (seen,) = landing.cloud.requests("sagemaker", "CreateTrainingJob")
    assert seen["parameters"] == request.operations[0].body
    assert json.dumps(seen["parameters"]) == json.dumps(request.operations[0].body), "and in the same order"
    final = until(backend, request.name)
    assert (final.state, final.provider_id, final.cause) == (State.SUCCEEDED, arn, "")
    assert final.model_uri == f"s3://wire-output/{request.name}/output/model.tar.gz"
    assert final.billable_seconds is not None
    assert [line.text for line in backend.logs(request.name)] == ["hello --lr 0.1"]
    assert {line.node for line in backend.logs(request.name)} == {"algo-1"}
    (file,) = backend.fetch(request.name, tmp_path / "results")
    assert (file, file.read_text()) == (tmp_path / "results" / "model.txt", "weights")


def test_the_agent_role_is_assumed_once_and_names_the_person(landing: Landing) -> None:
    backend = landing.backend(user="Ada L <ada@example.org>")
    assert backend.poll(["nobody-1", "nobody-2", "nobody-3"]) == {}
    (assumed,) = landing.cloud.requests("sts", "AssumeRole")
    assert assumed["parameters"]["RoleArn"] == landing.zone.identities.agent
    assert assumed["parameters"]["RoleSessionName"] == "dispatch-Ada-L-ada@example.org"
    assert assumed["parameters"]["SourceIdentity"] == "Ada-L-ada@example.org"


def test_an_ambient_identity_assumes_nothing(landing: Landing) -> None:
    assert landing.backend(identity="ambient").adopt("nobody") is None
    assert landing.cloud.requests("sts") == []


def test_throttled_twice_then_served(landing: Landing) -> None:
    landing.cloud.fault("throttle", operation="CreateTrainingJob", times=2)
    backend = landing.backend()
    backend.submit(request := landing.request(backend, "pass"))
    assert calls(landing, "CreateTrainingJob") == ["CreateTrainingJob"] * 3
    assert backend.adopt(request.name) is not None
    assert len(landing.naps) == 2


def test_throttled_for_ever_is_unreachable(landing: Landing) -> None:
    landing.cloud.fault("throttle", operation="DescribeTrainingJob", times=100)
    with pytest.raises(UnreachableError, match="AWS throttles DescribeTrainingJob"):
        landing.backend().poll(["nobody"])


def test_a_quota_is_named(landing: Landing) -> None:
    landing.cloud.fault("quota")
    backend = landing.backend()
    with pytest.raises(
        QuotaExceeded, match=r"(?s)'ml\.m5\.large for training job usage'.*servicequotas"
    ) as caught:
        backend.submit(landing.request(backend, "pass"))
    assert (caught.value.quota, caught.value.exit_code) == ("ml.m5.large for training job usage", 5)


def test_a_spot_quota_is_named_as_such(landing: Landing) -> None:
    landing.cloud.fault("quota")
    backend = landing.backend()
    request = landing.request(
        backend, "pass", job=lambda job: dataclasses.replace(job, spot=True, checkpoint=True)
    )
    with pytest.raises(QuotaExceeded) as caught:
        backend.submit(request)
    assert caught.value.quota == "ml.m5.large for spot training job usage"


def test_a_name_that_is_taken_can_be_adopted(landing: Landing) -> None:
    backend = landing.backend()
    request = landing.request(backend, "pass")
    arn = backend.submit(request)
    with pytest.raises(AlreadyExistsError, match="already exists"):
        backend.submit(request)
    adopted = landing.backend().adopt(request.name)
    assert adopted is not None
    assert adopted.provider_id == arn


def test_an_effect_whose_answer_was_lost_is_found_by_its_name(landing: Landing) -> None:
    landing.cloud.fault("lost", operation="CreateTrainingJob")
    backend = landing.backend()
    request = landing.request(backend, "pass")
    with pytest.raises(AlreadyExistsError):
        backend.submit(request)
    assert backend.adopt(request.name) is not None
    created = landing.client("sagemaker").list_training_jobs(NameContains=request.name)["TrainingJobSummaries"]
    assert len(created) == 1


@pytest.mark.parametrize("refusal", ["quota", "expired"])
def test_a_refusal_after_a_try_whose_answer_was_lost_is_none(landing: Landing, refusal: str) -> None:
    backend = landing.backend()
    request = landing.request(backend, "pass")
    landing.cloud.fault("lost", operation="CreateTrainingJob")
    landing.cloud.fault(refusal, operation="CreateTrainingJob")
    with pytest.raises(AlreadyExistsError, match="an earlier try made"):
        backend.submit(request)


def test_a_lost_try_of_which_nobody_may_ask_is_of_unknown_outcome(landing: Landing) -> None:
    backend = landing.backend()
    request = landing.request(backend, "pass")
    landing.cloud.fault("lost", operation="CreateTrainingJob")
    landing.cloud.fault("expired", service="sagemaker", times=100)
    with pytest.raises(
        UnreachableError, match="did not answer CreateTrainingJob at first, and then: not signed in"
    ):
        backend.submit(request)


def test_a_connection_that_always_breaks_is_unreachable_and_says_nothing_of_the_job(landing: Landing) -> None:
    landing.cloud.fault("reset", operation="DescribeTrainingJob", times=100)
    with pytest.raises(UnreachableError, match="AWS in eu-central-1 did not answer"):
        landing.backend().adopt("nobody")


def test_a_server_that_always_fails_is_unreachable(landing: Landing) -> None:
    landing.cloud.fault("5xx", operation="DescribeTrainingJob", times=100)
    with pytest.raises(UnreachableError, match="AWS failed at DescribeTrainingJob"):
        landing.backend().adopt("nobody")


@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeTrainingJob"])
def test_expired_credentials_are_one_line_with_the_command(landing: Landing, operation: str) -> None:
    landing.cloud.fault("expired", operation=operation, times=100)
    with pytest.raises(AuthError, match=r"not signed in to AWS: .*expired") as caught:
        landing.backend().adopt("nobody")
    assert caught.value.remedy.startswith("run: aws sso login")
    assert "\n" not in caught.value.message
    assert not caught.value.propagating


def test_no_credentials_at_all_are_one_line_with_the_command(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for identity in ("agent", "ambient"):
        with pytest.raises(AuthError, match=r"not signed in to AWS: .*credentials") as caught:
            landing.backend(identity=identity).adopt("nobody")
        assert "aws sso login" in caught.value.remedy


def test_an_sso_profile_is_named_in_the_command(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile ml]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = x\n"
        "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-central-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "ml")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AuthError) as caught:
        landing.backend().adopt("nobody")
    assert caught.value.remedy == "run: aws sso login --profile ml"


def test_a_profile_that_does_not_exist_is_named(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AuthError, match=r"\(nobody\) could not be found"):
        landing.backend().adopt("x")


def test_denied_to_become_the_agent_may_pass_while_the_role_is_young(landing: Landing) -> None:
    landing.cloud.fault("denied", service="sts", operation="AssumeRole", times=1)
    backend = landing.backend()
    with pytest.raises(RoleNotAssumable, match="not allowed to become the zone's agent role") as caught:
        backend.adopt("nobody")
    assert caught.value.propagating
    assert "identity: ambient" in caught.value.remedy
    assert backend.adopt("nobody") is None, "the same backend works as soon as the grant has spread"


def test_sagemaker_cannot_assume_a_new_role_for_a_while(landing: Landing) -> None:
    principal = {"Service": "sagemaker.amazonaws.com"}
    landing.client("iam").create_role(RoleName="fresh", AssumeRolePolicyDocument=trust(principal))
    identities = dataclasses.replace(landing.zone.identities, execution="arn:aws:iam::123456789012:role/fresh")
    backend = landing.backend(zone=dataclasses.replace(landing.zone, identities=identities))
    request = landing.request(backend, "pass")
    landing.cloud.fault("denied", operation="CreateTrainingJob", seconds=3600, times=1)
    with pytest.raises(RoleNotAssumable, match="SageMaker cannot assume the execution role") as caught:
        backend.submit(request)
    assert caught.value.propagating
    assert backend.submit(request).endswith(request.name)


def test_an_action_that_is_denied_is_named(landing: Landing) -> None:
    landing.cloud.fault("denied", operation="StopTrainingJob", times=2)
    with pytest.raises(NotAllowed, match="sagemaker:StopTrainingJob was denied") as caught:
        landing.backend().cancel("nobody")
    assert (caught.value.action, caught.value.propagating, caught.value.exit_code) == (
        "sagemaker:StopTrainingJob", True, 4,
    )  # fmt: skip
    assert "the contract grants it" in caught.value.remedy
    bare = dataclasses.replace(landing.zone, actions=Actions())
    with pytest.raises(NotAllowed) as caught:
        landing.backend(zone=bare).cancel("nobody")
    assert "pulumi up" in caught.value.remedy


def test_describe_that_does_not_know_a_new_job_yet_is_no_observation(landing: Landing) -> None:
    backend = landing.backend()
    backend.submit(request := landing.request(backend, "pass"))
    landing.cloud.fault("missing", operation="DescribeTrainingJob", times=1)
    assert backend.poll([request.name]) == {}
    assert backend.poll([request.name])[request.name].state is not None


def test_a_list_that_lags_hides_no_job(landing: Landing) -> None:
    backend = landing.backend()
    requests = [landing.request(backend, "import time; time.sleep(20)") for _ in range(4)]
    for request in requests:
        backend.submit(request)
    landing.cloud.fault("lagging", operation="ListTrainingJobs", seconds=3600, times=100)
    seen = backend.poll([request.name for request in requests])
    assert set(seen) == {request.name for request in requests}
    for request in requests:
        backend.cancel(request.name)


def test_many_jobs_that_run_are_polled_in_one_call(landing: Landing) -> None:
    backend = landing.backend()
    requests = [landing.request(backend, "import time; time.sleep(20)") for _ in range(4)]
    names = [request.name for request in requests]
    for request in requests:
        backend.submit(request)
        until(backend, request.name, State.RUNNING)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        landing.cloud.clear()
        seen = backend.poll(names)
        if calls(landing) == ["ListTrainingJobs"]:
            break
    assert calls(landing) == ["ListTrainingJobs"]
    assert {one.state for one in seen.values()} == {State.RUNNING}
    assert all(one.started_at for one in seen.values()), "what was described before is kept"
    backend.cancel(names[0])
    until(backend, names[0], State.CANCELLED)
    landing.cloud.clear()
    seen = backend.poll(names)
    assert calls(landing) == ["ListTrainingJobs", "DescribeTrainingJob"]
    assert seen[names[0]].state is State.CANCELLED
    for name in names:
        backend.cancel(name)


def test_a_job_can_be_cancelled_and_cancelling_again_is_no_error(landing: Landing) -> None:
    backend = landing.backend()
    backend.submit(request := landing.request(backend, "import time; print('up'); time.sleep(60)"))
    until(backend, request.name, State.RUNNING)
    backend.cancel(request.name)
    backend.cancel(request.name)
    assert until(backend, request.name).state is State.CANCELLED
    backend.cancel(request.name)


def test_cancelling_a_job_that_never_was_is_not_found(landing: Landing) -> None:
    with pytest.raises(NotFoundError, match="StopTrainingJob"):
        landing.backend().cancel("nobody")


def test_a_program_that_fails_says_so(landing: Landing) -> None:
    backend = landing.backend()
    backend.submit(request := landing.request(backend, "raise SystemExit(3)"))
    final = until(backend, request.name)
    assert (final.state, final.cause) == (State.FAILED, "program")
    assert "3" in final.reason


def test_no_capacity_is_the_cause_of_a_failure(landing: Landing) -> None:
    landing.cloud.fault("capacity", seconds=0.1)
    backend = landing.backend()
    backend.submit(request := landing.request(backend, "pass"))
    final = until(backend, request.name)
    assert (final.state, final.cause) == (State.FAILED, "capacity")


def test_a_job_that_runs_too_long_times_out(landing: Landing) -> None:
    backend = landing.backend()
    request = landing.request(
        backend, "import time; time.sleep(60)", job=lambda job: dataclasses.replace(job, max_runtime=1)
    )
    backend.submit(request)
    assert until(backend, request.name).state is State.TIMED_OUT


def test_a_request_the_service_refuses_is_a_mistake_of_the_user(landing: Landing) -> None:
    backend = landing.backend()
    request = landing.request(
        backend, "pass", job=lambda job: dataclasses.replace(job, inputs={"train": "s3://wire-data/nothing-here"})
    )
    with pytest.raises(SpecError, match="SageMaker CreateTrainingJob: "):
        backend.submit(request)


def test_logs_are_followed_to_the_end_and_only_this_jobs_are_shown(landing: Landing) -> None:
    backend = landing.backend()
    script = "import time\nfor n in range(5): print('line', n); time.sleep(0.2)"
    first, second = landing.request(backend, script), landing.request(backend, script.replace("line", "other"))
    backend.submit(first)
    backend.submit(second)

    def done() -> bool:
        time.sleep(0.05)
        seen = backend.adopt(first.name)
        return bool(seen and seen.state and seen.state.final)

    lines = list(backend.logs(first.name, follow=True, done=done))
    assert [line.text for line in lines] == [f"line {n}" for n in range(5)]
    assert list(backend.logs(first.name)) == lines
    until(backend, second.name)


def test_logs_before_the_first_line_are_empty(landing: Landing) -> None:
    assert list(landing.backend().logs("nobody")) == []
    assert list(landing.backend().logs("nobody", follow=True, done=lambda: True)) == []


def test_two_nodes_are_read_in_time_order(landing: Landing) -> None:
    backend = landing.backend()
    request = landing.request(
        backend,
        "import json, os, time",
        "host = json.load(open(os.environ['SM_INPUT_CONFIG_DIR'] + '/resourceconfig.json'))",
        "assert os.environ['MASTER_ADDR'] == host['hosts'][0], os.environ['MASTER_ADDR']",
        "for n in range(3): print(host['current_host'], n); time.sleep(0.1)",
        job=lambda job: dataclasses.replace(job, resources=Resources(instance="ml.m5.large", nodes=2)),
    )
    backend.submit(request)
    assert until(backend, request.name).state is State.SUCCEEDED
    lines = list(backend.logs(request.name))
    assert len(lines) == 6
    assert {line.node for line in lines} == {"algo-1", "algo-2"}
    assert [line.time for line in lines] == sorted(line.time for line in lines)


def test_fetching_from_a_job_without_outputs_is_not_found(landing: Landing, tmp_path: Path) -> None:
    backend = landing.backend()
    backend.submit(request := landing.request(backend, "import time; time.sleep(30)"))
    with pytest.raises(NotFoundError, match="has no outputs at s3://wire-output/"):
        backend.fetch(request.name, tmp_path)
    backend.cancel(request.name)


def test_nothing_of_the_job_differs_between_two_renders(landing: Landing) -> None:
    backend = landing.backend()
    job = Job(image="train", command=("x",))
    from dispatcher.backends.base import Submission
    from tests.backends.sagemaker.cases import queue

    first = backend.render(job, queue(), Submission("a", 1, "t")).operations[0].body
    second = backend.render(job, queue(), Submission("b", 1, "t")).operations[0].body
    assert {key for key in first if first[key] != second[key]} == {"TrainingJobName", "Environment", "Tags"}
