"""What render refuses on Vertex AI: by which rule, and with which remedy."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dispatcher.contract import Compute, Controls, Keys, Limits
from dispatcher.errors import PolicyRefusal
from dispatcher.job import Wandb
from tests.backends.cases import DIGEST, controls, train
from tests.backends.vertex.cases import AGENT_ONLY, FLEX, H100, Case, network, open_zone, queue, scheduled
from tests.backends.vertex.doubles import golden_zone

SPOT = {"spot": True, "checkpoint": True}
KEY = golden_zone().keys.data


def machine(**spec: Any) -> Any:
    """Return a queue whose overrides describe the machine of every pool."""
    return queue(pools=[{"machineSpec": spec}])


REFUSED: list[tuple[str, Case, str]] = [
    (
        "a region without Vertex AI",
        Case(train(), zone=open_zone(region="europe-west10")),
        r"region: Vertex AI is not offered in europe-west10",
    ),
    ("no region at all", Case(train(), zone=open_zone(region="global")), r"region: custom jobs run in a region"),
    (
        "a key in another location",
        Case(train(), zone=open_zone(keys=Keys(KEY.replace("europe-west4", "europe-west1"), "", ""))),
        r"keys\.data: the key is in europe-west1.*europe-west4",
    ),
    (
        "a key of many regions",
        Case(train(), zone=open_zone(keys=Keys(KEY.replace("europe-west4", "europe"), "", ""))),
        r"keys\.data: the key is in europe,",
    ),
    ("no key", Case(train(), zone=open_zone(keys=Keys("key", "", ""))), r"keys\.data: 'key' is not the name"),
    (
        "isolation that Vertex AI does not have",
        Case(train(), zone=open_zone(controls=Controls(True, controls().wandb, 1))),
        r"controls\.network_isolation: Vertex AI has no container without a network",
    ),
    (
        "a network without its project's number",
        Case(
            train(),
            zone=open_zone(network=network(network="projects/host/global/networks/n", reserved_ranges=("r",))),
        ),
        r"network\.ids\.network: .*by number",
    ),
    (
        "a GPU that is not attached to the machine",
        Case(train(resources={"instance": "n1-standard-8", "gpu": 1, "gpu_type": "A100"})),
        r"accelerator type: resources\.instance names n1-standard-8",
    ),
    (
        "a GPU other than the machine's own",
        Case(train(resources={"instance": "a2-highgpu-4g", "gpu": 4, "gpu_type": "T4"})),
        r"accelerator type: .*a2-highgpu-4g .*its device is A100, not T4",
    ),
    (
        "a GPU on a machine that takes none",
        Case(train(resources={"instance": "n2-standard-8", "gpu": 1})),
        r"accelerator type: .*n2-standard-8 .*no GPU",
    ),
    (
        "more GPUs than the machine has",
        Case(train(resources={"instance": "a2-highgpu-2g", "gpu": 4})),
        r"accelerator count: .*it has 2 of 4 GPUs",
    ),
    (
        "more GPUs than may be attached",
        Case(train(resources={"instance": "n1-standard-8", "gpu": 16, "gpu_type": "V100"})),
        r"accelerator count: ",
    ),
    (
        "more GPUs of a kind than may be attached",
        Case(train(resources={"instance": "n1-standard-4", "gpu": 8, "gpu_type": "T4"})),
        r"accelerator count: ",
    ),
    (
        "an accelerator other than the machine's, by override",
        Case(train(resources={"instance": "a2-highgpu-2g"}), queue=machine(acceleratorType="NVIDIA_TESLA_T4")),
        r"accelerator type: .*NVIDIA_TESLA_T4, and a2-highgpu-2g of this job has NVIDIA_TESLA_A100",
    ),
    (
        "an accelerator count other than the machine's, by override",
        Case(train(resources={"instance": "a2-highgpu-2g"}), queue=machine(acceleratorCount=1)),
        r"accelerator count: .*asks for 1, and a2-highgpu-2g of this job has 2",
    ),
    (
        "another machine, by override",
        Case(train(), queue=machine(machine_type="a3-highgpu-8g")),
        r"(?s)machine type: .*a3-highgpu-8g.*`hardware` of the queue",
    ),
    (
        "FLEX_START without a GPU",
        Case(train(), queue=FLEX),
        r"flex-start accelerator: .*has no GPU",
    ),
    (
        "FLEX_START for a GPU it does not wait for",
        Case(train(resources={"gpu": 1, "gpu_type": "T4"}), queue=FLEX),
        r"flex-start accelerator: .*has NVIDIA_TESLA_T4",
    ),
    (
        "FLEX_START for more than 7 days",
        Case(train(resources=H100, max_runtime=604_801), queue=FLEX),
        r"flex-start max_runtime: .*604801 s",
    ),
    (
        "FLEX_START with mixed pools",
        Case(
            train(resources={**H100, "nodes": 2}),
            queue=queue(
                spec={"scheduling": {"strategy": "FLEX_START"}},
                pools=[{"diskSpec": {"bootDiskSizeGb": 200}}, {"diskSpec": {"bootDiskSizeGb": 300}}],
            ),
        ),
        r"flex-start pools: ",
    ),
    (
        "FLEX_START of a spot job",
        Case(train(resources=H100, **SPOT), queue=FLEX),
        r"(?s)scheduling\.strategy: the job is a spot job.*spot: false",
    ),
    (
        "spot by override",
        Case(train(), queue=scheduled(strategy="SPOT")),
        r"(?s)scheduling\.strategy: .*spot: required",
    ),
    (
        "a strategy that is deprecated",
        Case(train(), queue=scheduled(strategy="LOW_COST")),
        r"(?s)scheduling\.strategy: .*LOW_COST, which is deprecated.*use SPOT",
    ),
    (
        "a bound on a wait that there is not",
        Case(train(), queue=scheduled(maxWaitDuration="60s")),
        r"scheduling\.maxWaitDuration: ",
    ),
    (
        "restarts without retries",
        Case(train(), queue=scheduled(restartJobOnWorkerRestart=True, disableRetries=True)),
        r"scheduling\.disableRetries: ",
    ),
    (
        "spot machines in a persistent resource",
        Case(train(**SPOT), queue=queue(spec={"persistentResourceId": "warm"})),
        r"persistentResourceId: ",
    ),
    (
        "GB200 without a reservation",
        Case(train(resources={"instance": "a4x-highgpu-4g"})),
        r"reservation: a4x-highgpu-4g comes from a shared reservation only",
    ),
    (
        "a reservation for a spot job",
        Case(train(**SPOT), queue=machine(reservationAffinity={"reservationAffinityType": "ANY_RESERVATION"})),
        r"reservation: a spot job",
    ),
    (
        "a disk that the machine does not boot from",
        Case(
            train(resources={"instance": "n4-standard-4"}),
            queue=queue(pools=[{"diskSpec": {"bootDiskType": "pd-ssd"}}]),
        ),
        r"boot disk: n4-standard-4 boots from hyperdisk-balanced, not from pd-ssd",
    ),
    ("two nodes of TPU", Case(train(resources={"instance": "ct5lp-hightpu-1t", "nodes": 2})), r"tpu nodes: "),
    (
        "a topology that the TPU does not have",
        Case(train(resources={"instance": "ct5lp-hightpu-1t"}), queue=machine(tpuTopology="4x4")),
        r"(?s)tpu topology: ct5lp-hightpu-1t has no topology 4x4.*one of 1x1",
    ),
    ("a topology of no TPU", Case(train(), queue=machine(tpuTopology="1x1")), r"tpu topology: .* is no TPU"),
    (
        "a topology with more machines than nodes are allowed",
        Case(train(resources={"instance": "ct5lp-hightpu-4t"}), queue=machine(tpuTopology="16x16")),
        r"limits\.max_nodes: topology 16x16 takes 64 machines, allowed are 16",
    ),
    (
        "a topology with more machines than its compute entry has",
        Case(
            train(),
            zone=open_zone(compute=(Compute("tpu", "ct5lp-hightpu-4t", max=2),)),
            queue=queue(hardware="tpu", pools=[{"machineSpec": {"tpuTopology": "4x4"}}]),
        ),
        r"compute\.tpu\.max: topology 4x4 takes 4 machines, allowed are 2",
    ),
    (
        "a pod of spot TPUs",
        Case(train(resources={"instance": "ct5lp-hightpu-4t"}, **SPOT), queue=machine(tpuTopology="2x4")),
        r"tpu spot: ",
    ),
    (
        "a foreign private image",
        Case(train(image="registry.corp.example:5000/ml/train@" + DIGEST)),
        r"(?s)image registry: .*not from registry\.corp\.example:5000"
        r".*dispatch image copy \S+ --zone ZONE(?!.*imageProjects)",
    ),
    (
        "an image of AWS",
        Case(train(image="123456789012.dkr.ecr.eu-central-1.amazonaws.com/train:1")),
        r"(?s)image registry: .*amazonaws\.com(?!.*imageProjects)",
    ),
    (
        "an image of a project that is not declared",
        Case(train(image="europe-west4-docker.pkg.dev/somebody-else/images/train:1")),
        r"(?s)image registry: project somebody-else is not one"
        r".*112233445566@gcp-sa-aiplatform\..* and .*112233445566@gcp-sa-aiplatform-cc\..*imageProjects",
    ),
    (
        "an image of such a project in Container Registry",
        Case(train(image="eu.gcr.io/example.com/old/train:1")),
        r"image registry: project example\.com:old",
    ),
    ("a tag under GDPR", Case(train(), regime="gdpr"), r"regime gdpr: image train:v1 has no digest"),
    ("a secret of the submitter's shell", Case(train(secrets={"A": "env://A"})), r"secrets: A is a reference"),
    (
        "a secret of another cloud",
        Case(train(secrets={"A": "aws-sm://a"})),
        r"(?s)secrets: A.*aws-sm://.*use gcp-sm://NAME, the secret gcp-euw4-NAME in",
    ),
    (
        "W&B online without a route",
        Case(train(wandb=Wandb("p")), zone=open_zone(network=AGENT_ONLY, controls=controls("online"))),
        r"controls\.wandb\.route",
    ),
    (
        "too long for the zone",
        Case(train(max_runtime=7201), zone=open_zone(limits=Limits(max_runtime=7200))),
        r"limits\.max_runtime",
    ),
    ("too many nodes", Case(train(resources={"nodes": 17})), r"limits\.max_nodes"),
    (
        "no spot on spot-only hardware",
        Case(
            train(),
            zone=open_zone(compute=(Compute("c", "n2-standard-4", tier="spot"),)),
            queue=queue(hardware="c"),
        ),
        r"compute\.c\.tier",
    ),
    (
        "a machine that is not allowed",
        Case(train(resources={"instance": "a3-highgpu-8g"}), zone=golden_zone()),
        r"limits\.instance_types: a3-highgpu-8g",
    ),
    (
        "outputs to a foreign bucket",
        Case(train(), queue=queue(spec={"baseOutputDirectory": {"outputUriPrefix": "gs://elsewhere/x"}})),
        r"buckets: .*outside the zone",
    ),
    (
        "outputs to a bucket that only begins the same",
        Case(
            train(),
            queue=queue(spec={"baseOutputDirectory": {"outputUriPrefix": "gs://gcp-euw4-output-1a2b3c-evil"}}),
        ),
        r"buckets: ",
    ),
    (
        "a TensorBoard in another region",
        Case(train(), queue=queue(spec={"tensorboard": "projects/p/locations/us-central1/tensorboards/1"})),
        r"location: .*us-central1.*tensorboard",
    ),
    (
        "artifacts in another region",
        Case(train(), queue=queue(spec={"protectedArtifactLocationId": "us-central1"})),
        r"location: .*us-central1",
    ),
    (
        "more than two worker pools",
        Case(train(), queue=queue(pools=[{}, {}, {}])),
        r"worker pools: queue training describes 3 worker pools",
    ),
    (
        "a name of the dispatcher",
        Case(
            train(),
            queue=queue(pools=[{"containerSpec": {"env": [{"name": "DISPATCH_JOB_ID", "value": "x"}]}}]),
        ),
        r"overrides: .*DISPATCH_JOB_ID",
    ),
    (
        "a label of the dispatcher",
        Case(train(), queue=queue(overrides={"labels": {"dispatch-id": "x"}})),
        r"overrides: .*labels\.dispatch-id",
    ),
    *(
        (f"an override of {path}", Case(train(), queue=queue(overrides=raw)), rf"overrides: .*overrides {path}")
        for path, raw in {
            "displayName": {"display_name": "x"},
            "encryptionSpec": {"encryptionSpec": {"kmsKeyName": KEY}},
            "jobSpec.serviceAccount": {"job_spec": {"service_account": "x@p.iam.gserviceaccount.com"}},
            "jobSpec.network": {"jobSpec": {"network": "projects/1/global/networks/x"}},
            "jobSpec.reservedIpRanges": {"jobSpec": {"reserved_ip_ranges": ["r"]}},
            "jobSpec.pscInterfaceConfig.networkAttachment": {
                "jobSpec": {"pscInterfaceConfig": {"networkAttachment": "x"}}
            },
            "jobSpec.scheduling.timeout": {"jobSpec": {"scheduling": {"timeout": "60s"}}},
            "jobSpec.workerPoolSpecs.replicaCount": {"jobSpec": {"workerPoolSpecs": [{"replicaCount": "8"}]}},
            "jobSpec.workerPoolSpecs.containerSpec.imageUri": {
                "jobSpec": {"workerPoolSpecs": [{"containerSpec": {"imageUri": "x"}}]}
            },
            "jobSpec.workerPoolSpecs.pythonPackageSpec": {
                "jobSpec": {"workerPoolSpecs": [{"pythonPackageSpec": {"pythonModule": "x"}}]}
            },
        }.items()
    ),
    *(
        (f"an override that removes {path}", Case(train(), queue=queue(overrides=raw)), rf"removes {path}")
        for path, raw in {
            "jobSpec": {"jobSpec": None},
            "labels": {"labels": None},
            "jobSpec.workerPoolSpecs": {"jobSpec": {"workerPoolSpecs": None}},
            "jobSpec.scheduling": {"jobSpec": {"scheduling": None}},
            "jobSpec.pscInterfaceConfig": {"jobSpec": {"psc_interface_config": None}},
            "jobSpec.baseOutputDirectory": {"jobSpec": {"baseOutputDirectory": None}},
            "jobSpec.workerPoolSpecs.machineSpec": {"jobSpec": {"workerPoolSpecs": [{"machineSpec": None}]}},
            "jobSpec.workerPoolSpecs.containerSpec.env": {
                "jobSpec": {"workerPoolSpecs": [{"containerSpec": {"env": None}}]}
            },
        }.items()
    ),
]  # fmt: skip


@pytest.mark.parametrize(("case", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_rule_refuses(case: Case, message: str) -> None:
    with pytest.raises(PolicyRefusal, match=message) as refused:
        case.render()
    assert refused.value.remedy or "\n  " in refused.value.message, "a refusal says what to do next"


def test_all_refusals_are_named_at_once() -> None:
    zone = open_zone(region="europe-west10", limits=Limits(max_nodes=1))
    case = Case(train(secrets={"A": "env://A"}, resources={"nodes": 2}), zone=zone, regime="hipaa")
    with pytest.raises(PolicyRefusal) as refused:
        case.render()
    for rule in ("region", "keys.data", "limits.max_nodes", "secrets", "regime hipaa"):
        assert f"{rule}: " in str(refused.value)


@pytest.mark.parametrize(
    ("written", "sent", "warned"),
    [
        ("gcp-sm://db", "gcp-sm://acme-ml-eu/gcp-euw4-db", False),
        ("gcp-sm://db@3", "gcp-sm://acme-ml-eu/gcp-euw4-db@3", False),
        ("gcp-sm://gcp-euw4-db", "gcp-sm://acme-ml-eu/gcp-euw4-db", False),
        ("gcp-sm://acme-ml-eu/gcp-euw4-db", "gcp-sm://acme-ml-eu/gcp-euw4-db", False),
        ("gcp-sm://112233445566/gcp-euw4-db", "gcp-sm://112233445566/gcp-euw4-db", False),
        ("gcp-sm://acme-ml-eu/db", "gcp-sm://acme-ml-eu/db", True),
        ("gcp-sm://other-project/gcp-euw4-db", "gcp-sm://other-project/gcp-euw4-db", True),
    ],
)
def test_a_secret_is_the_zone_s_own_or_warned_about(written: str, sent: str, warned: bool) -> None:
    request = Case(train(secrets={"DB": written})).render()
    (pool,) = request.operations[0].body["jobSpec"]["workerPoolSpecs"]
    assert {"name": "DISPATCH_SECRET_DB", "value": sent} in pool["containerSpec"]["env"]
    assert not [item for item in pool["containerSpec"]["env"] if item["name"] == "DB"]
    assert any("execution account may not read it" in text for text in request.warnings) == warned


@pytest.mark.parametrize(
    ("case", "warning"),
    [
        (Case(train(max_wait=90_000)), "max_wait is left out"),
        (Case(train(max_wait=90_000, **SPOT)), "beyond max_wait a command that runs the queue stops the job"),
        (
            Case(train(max_interruptions=2, **SPOT)),
            "max_interruptions is left out: Vertex AI tells of no interruption",
        ),
        (
            Case(
                train(resources=H100, max_wait=2 * 86_400),
                queue=scheduled(strategy="FLEX_START", maxWaitDuration="60s"),
            ),
            "max_wait replaces the queue's maxWaitDuration of 60s: it waits 86400 s",
        ),
        (Case(train(), queue=queue(min_warm=1)), "persistent resource"),
        (Case(train(), queue=scheduled(restartJobOnWorkerRestart=True)), "they are left on"),
        (Case(train(resources={"disk": 20})), "raised to 100 GB"),
        (Case(train(resources={"gpu": 1, "gpu_type": "T4", "nodes": 2})), "has no GPUDirect"),
        (Case(train(resources={"gpu": 8, "gpu_type": "H100", "nodes": 2})), "is not known to have GPUDirect"),
        (Case(train(resources={"instance": "n1-standard-4+1xP100"})), "is retired"),
        (Case(train(image="us-docker.pkg.dev/acme-ml-eu/r/train:1")), "is in us, the job runs in europe-west4"),
        (Case(train(image="quay.io/x/y:1")), "without signing in"),
        (Case(train(inputs={"a": "gs://elsewhere/x"})), "not of this zone"),
        (Case(train(), queue=queue(pools=[{}, {}])), "a job of one node does not have"),
    ],
)
def test_what_is_allowed_and_probably_not_meant_is_said(case: Case, warning: str) -> None:
    assert any(warning in text for text in case.render().warnings)


def test_a_job_s_retries_are_the_dispatcher_s_and_vertex_makes_none() -> None:
    assert Case(train(retries=2)).render() == Case(train()).render()


def test_a_queue_may_allow_retries_that_parity_would_disable() -> None:
    case = Case(train(), queue=scheduled(disableRetries=False))
    spec = case.render().operations[0].body["jobSpec"]["scheduling"]
    assert spec == {"timeout": "86400s", "strategy": "STANDARD", "disableRetries": False}


def test_the_owner_is_a_label_whatever_the_user_is_called() -> None:
    case = dataclasses.replace(Case(train()), user='Ada Łovelace <ada@example.org> (#1, "boss") ' + "x" * 80)
    owner = case.render().operations[0].body["labels"]["owner"]
    assert owner.startswith("ada--ovelace--ada-example-org")
    assert len(owner) == 63
