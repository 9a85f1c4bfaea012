"""What render refuses: by which rule, and with which remedy."""

from __future__ import annotations

import pytest

from dispatcher import backends
from dispatcher.backends import open_backend
from dispatcher.backends.sagemaker.render import render
from dispatcher.contract import Compute, Limits, WandbControls
from dispatcher.errors import DispatchError, PolicyRefusal, UsageError
from dispatcher.job import Wandb
from tests.backends.cases import DIGEST, controls, train
from tests.backends.sagemaker.cases import CLOSED, Case, open_zone, queue

ONLINE = controls("online", "nat")
_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"

REFUSED: list[tuple[str, Case, str]] = [
    (
        "secrets in an isolated container",
        Case(train(secrets={"A": "aws-sm://a"}), zone=open_zone(controls=controls(isolated=True))),
        r"controls\.network_isolation: an isolated container cannot fetch secrets \(A\)",
    ),
    (
        "W&B online in an isolated container",
        Case(train(wandb=Wandb("p")), zone=open_zone(controls=controls("online", "nat", isolated=True))),
        r"controls\.network_isolation: .*W&B online",
    ),
    (
        "W&B online when the queue isolates",
        Case(
            train(wandb=Wandb("p")),
            zone=open_zone(controls=ONLINE),
            queue=queue(overrides={"EnableNetworkIsolation": True}),
        ),
        r"controls\.network_isolation",
    ),
    (
        "W&B online without a route",
        Case(train(wandb=Wandb("p")), zone=open_zone(network=CLOSED, controls=controls("online"))),
        r"controls\.wandb\.route: .*(?s:.*)WANDB_MODE: offline",
    ),
    (
        "W&B online by its key alone, without a route",
        Case(
            train(secrets={"WANDB_API_KEY": "aws-sm://k"}),
            zone=open_zone(network=CLOSED, controls=controls("online")),
        ),
        r"controls\.wandb\.route",
    ),
    (
        "W&B more open than the zone",
        Case(train(env={"WANDB_MODE": "online"}), zone=open_zone(controls=controls("offline"))),
        r"controls\.wandb\.mode: .*at most offline",
    ),
    (
        "W&B's other word for online",
        Case(train(env={"WANDB_MODE": "shared"}), zone=open_zone(controls=controls("offline"))),
        r"controls\.wandb\.mode",
    ),
    (
        "another W&B host",
        Case(
            train(wandb=Wandb("p"), env={"WANDB_BASE_URL": "https://evil.example"}),
            zone=open_zone(controls=controls("online", "nat", host="api.wandb.ai")),
        ),
        r"controls\.wandb\.host: the job sends to evil\.example",
    ),
    (
        "a secret of the submitter's shell",
        Case(train(secrets={"A": "env://A"})),
        r"secrets: A is a reference to env://",
    ),
    (
        "a secret of another cloud",
        Case(train(secrets={"A": "gcp-sm://a"})),
        r"(?s)secrets: A.*gcp-sm://.*use aws-sm://NAME, the secret aws-euc1/NAME",
    ),
    (
        "a Docker Hub image by its host",
        Case(train(image="docker.io/library/python:3.12")),
        r"(?s)image registry: .*not from docker\.io.*image copy docker\.io\S+ --zone ZONE; .*AccessMode: Vpc",
    ),
    ("a foreign private image", Case(train(image="ghcr.io/acme/train@" + DIGEST)), r"image registry: .*ghcr\.io"),
    (
        "AWS's public registry",
        Case(train(image="public.ecr.aws/docker/library/python:3")),
        r"image registry: .*public\.ecr\.aws",
    ),
    ("a registry on a port", Case(train(image="localhost:5000/train:1")), r"image registry: .*localhost:5000"),
    (
        "a VPC registry outside a VPC",
        Case(
            train(image="reg.corp.example/t:1"),
            zone=open_zone(network=CLOSED.__class__("public", "none", CLOSED.ids.__class__())),
            queue=queue(
                overrides={
                    "AlgorithmSpecification": {"TrainingImageConfig": {"TrainingRepositoryAccessMode": "Vpc"}}
                }
            ),
        ),
        r"network\.mode: reg\.corp\.example",
    ),
    ("a tag under GDPR", Case(train(), regime="gdpr"), r"regime gdpr: image train:v1 has no digest"),
    ("a tag under HIPAA", Case(train(), regime="hipaa"), r"regime hipaa"),
    (
        "spot where the queue forbids it",
        Case(train(spot=True, checkpoint=True), queue=queue(spot="forbidden")),
        r"queue training spot: spot jobs are forbidden",
    ),
    (
        "no spot where the queue requires it",
        Case(train(), queue=queue(spot="required")),
        r"queue training spot: only spot jobs",
    ),
    (
        "no spot on spot-only hardware",
        Case(
            train(),
            zone=open_zone(compute=(Compute("c", "ml.m5.xlarge", tier="spot"),)),
            queue=queue(hardware="c"),
        ),
        r"compute\.c\.tier: .*spot only",
    ),
    (
        "too long for the zone",
        Case(train(max_runtime=7201), zone=open_zone(limits=Limits(max_runtime=7200))),
        r"limits\.max_runtime: .*7201 s, allowed are 7200 s",
    ),
    (
        "too long for the queue",
        Case(train(max_runtime=61), queue=queue(max_runtime=60)),
        r"queue training max_runtime",
    ),
    ("too many nodes for the zone", Case(train(resources={"nodes": 17})), r"limits\.max_nodes"),
    (
        "too many nodes for the queue",
        Case(train(resources={"nodes": 3}), queue=queue(max_nodes=2)),
        r"queue training max_nodes",
    ),
    (
        "a type that is not allowed",
        Case(train(resources={"instance": "ml.p5.48xlarge"}), zone=open_zone(limits=Limits(("ml.m5.xlarge",)))),
        r"limits\.instance_types: ml\.p5\.48xlarge",
    ),
    (
        "an override of the role",
        Case(train(), queue=queue(overrides={"RoleArn": "arn:aws:iam::1:role/x"})),
        r"overrides: queue training overrides RoleArn",
    ),
    (
        "an override of the network",
        Case(train(), queue=queue(overrides={"VpcConfig": None})),
        r"overrides: queue training overrides VpcConfig",
    ),
    (
        "an override of part of the network",
        Case(train(), queue=queue(overrides={"VpcConfig": {"Subnets": ["subnet-1"]}})),
        r"overrides VpcConfig",
    ),
    (
        "an override that drops encryption",
        Case(train(), queue=queue(overrides={"EnableInterContainerTrafficEncryption": False})),
        r"overrides EnableInterContainer",
    ),
    (
        "an override that drops the key",
        Case(train(), queue=queue(overrides={"OutputDataConfig": {"KmsKeyId": None}})),
        r"overrides OutputDataConfig\.KmsKeyId",
    ),
    (
        "an override that drops the whole output",
        Case(train(), queue=queue(overrides={"OutputDataConfig": None})),
        r"removes OutputDataConfig",
    ),
    (
        "an override that ends isolation",
        Case(
            train(),
            zone=open_zone(controls=controls(isolated=True)),
            queue=queue(overrides={"EnableNetworkIsolation": False}),
        ),
        r"controls\.network_isolation: queue training switches it off",
    ),
    (
        "an override that removes isolation",
        Case(
            train(),
            zone=open_zone(controls=controls(isolated=True)),
            queue=queue(overrides={"EnableNetworkIsolation": None}),
        ),
        r"controls\.network_isolation: queue training switches it off",
    ),
    (
        "an override of the type",
        Case(train(), queue=queue(overrides={"ResourceConfig": {"InstanceType": "ml.m5.xlarge"}})),
        r"(?s)overrides ResourceConfig\.InstanceType.*hardware",
    ),
    (
        "an override with several types",
        Case(
            train(),
            queue=queue(overrides={"ResourceConfig": {"InstancePreferences": [{"InstanceType": "ml.m5.xlarge"}]}}),
        ),
        r"InstancePreferences",
    ),
    (
        "outputs to a foreign bucket",
        Case(train(), queue=queue(overrides={"OutputDataConfig": {"S3OutputPath": "s3://elsewhere/x"}})),
        r"buckets: .*outside the zone",
    ),
    (
        "outputs to a bucket that only begins the same",
        Case(
            train(),
            queue=queue(overrides={"OutputDataConfig": {"S3OutputPath": "s3://aws-euc1-output-1a2b3c-evil"}}),
        ),
        r"buckets: ",
    ),
    (
        "checkpoints to a foreign bucket",
        Case(train(checkpoint=True), queue=queue(overrides={"CheckpointConfig": {"S3Uri": "s3://elsewhere/x"}})),
        r"buckets: .*CheckpointConfig",
    ),
    (
        "an override of the dispatcher's names",
        Case(train(), queue=queue(overrides={"Environment": {"DISPATCH_JOB_ID": "x"}})),
        r"overrides: .*Environment\.DISPATCH_JOB_ID",
    ),
    (
        "warm spot instances by override",
        Case(
            train(spot=True, checkpoint=True),
            queue=queue(overrides={"ResourceConfig": {"KeepAlivePeriodInSeconds": 60}}),
        ),
        r"keeps spot instances warm",
    ),
]


@pytest.mark.parametrize(("case", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_rule_refuses(case: Case, message: str) -> None:
    with pytest.raises(PolicyRefusal, match=message) as refused:
        render(case.job, case.queue, case.submission, case.context)
    assert refused.value.remedy or "\n  " in refused.value.message, "a refusal says what to do next"


def test_all_refusals_are_named_at_once() -> None:
    zone = open_zone(controls=controls(isolated=True), limits=Limits(max_nodes=1))
    case = Case(train(secrets={"A": "env://A"}, resources={"nodes": 2}), zone=zone, regime="hipaa")
    with pytest.raises(PolicyRefusal) as refused:
        render(case.job, case.queue, case.submission, case.context)
    for rule in ("limits.max_nodes", "controls.network_isolation", "secrets", "regime hipaa"):
        assert rule in str(refused.value)


def test_a_job_that_does_not_mention_wandb_runs_in_a_zone_without_a_route() -> None:
    case = Case(train(), zone=open_zone(network=CLOSED, controls=controls("online")))
    body = render(case.job, case.queue, case.submission, case.context).operations[0].body
    assert "WANDB_MODE" not in body["Environment"]


def test_controls_reach_the_environment_even_when_the_job_does_not_mention_wandb() -> None:
    case = Case(train(), zone=open_zone(controls=controls("offline")))
    body = render(case.job, case.queue, case.submission, case.context).operations[0].body
    assert body["Environment"]["WANDB_MODE"] == "offline"


@pytest.mark.parametrize(
    ("written", "sent", "warned"),
    [
        ("aws-sm://db", "aws-sm://aws-euc1/db", False),
        ("aws-sm://db#password", "aws-sm://aws-euc1/db#password", False),
        ("aws-sm://aws-euc1/db", "aws-sm://aws-euc1/db", False),
        (f"aws-sm://{_ARN}aws-euc1/db-AbCdEf", f"aws-sm://{_ARN}aws-euc1/db-AbCdEf", False),
        ("aws-sm://prod/db", "aws-sm://prod/db", True),
        (f"aws-sm://{_ARN}db-AbCdEf", f"aws-sm://{_ARN}db-AbCdEf", True),
        ("ssm:///prod/db", "ssm:///prod/db", True),
    ],
)
def test_a_secret_is_the_zone_s_own_or_warned_about(written: str, sent: str, warned: bool) -> None:
    case = Case(train(secrets={"DB": written}))
    request = render(case.job, case.queue, case.submission, case.context)
    assert request.operations[0].body["Environment"]["DISPATCH_SECRET_DB"] == sent
    assert any("execution role may not read it" in text for text in request.warnings) == warned


def test_secret_references_stay_references() -> None:
    case = Case(train(secrets={"WANDB_API_KEY": "aws-sm://wandb-api-key"}), zone=open_zone(controls=ONLINE))
    body = render(case.job, case.queue, case.submission, case.context).operations[0].body
    assert body["Environment"]["DISPATCH_SECRET_WANDB_API_KEY"] == "aws-sm://aws-euc1/wandb-api-key"
    assert "WANDB_API_KEY" not in body["Environment"]


@pytest.mark.parametrize("kind", ["azure"])
def test_a_cloud_without_a_backend_says_what_to_install(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    from dispatcher.contract import parse
    from tests.backends.cases import GOLDEN

    monkeypatch.setitem(backends._PACKAGES, kind, "dispatcher.backends.not_installed")
    (zone,) = parse(json.loads((GOLDEN / "contracts" / f"{kind}.json").read_text())).zones.values()
    with pytest.raises(UsageError, match=rf"(?s){kind}.*pip install 'launchway\[{kind}\]'"):
        open_backend(zone, user="ada")


def test_an_unknown_identity_is_refused() -> None:
    with pytest.raises(DispatchError, match="identity is 'root', not agent or ambient"):
        open_backend(open_zone(), user="ada", identity="root")


def test_wandb_controls_have_the_modes_we_order() -> None:
    from typing import get_args, get_type_hints

    from dispatcher.backends.environment import _OPENNESS

    assert set(get_args(get_type_hints(WandbControls)["mode"])) <= set(_OPENNESS)
