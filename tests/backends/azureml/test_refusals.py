"""What render refuses on Azure ML: by which rule, and with which remedy."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dispatcher.contract import Compute, Controls, Limits
from dispatcher.errors import PolicyRefusal
from dispatcher.job import Wandb
from tests.backends.azureml.cases import WORKSPACE, Case, clusters, golden_zone, open_zone, queue
from tests.backends.cases import DIGEST, controls, train

SPOT: dict[str, Any] = {"spot": True, "checkpoint": True}
OTHER = WORKSPACE.replace("workspaces/azure-weu-1a2b3c", "workspaces/elsewhere")
DAY = 86_400


def raw_queue(fields: object) -> Any:
    """Return a queue whose overrides are these fields of the job, whatever they are called."""
    return queue(overrides={"properties": fields})


def output(uri: str) -> Any:
    """Return a queue whose overrides send an output there."""
    return queue(outputs={"logs": {"jobOutputType": "uri_folder", "uri": uri}})


REFUSED: list[tuple[str, Case, str]] = [
    (
        "a VM size that is retired",
        Case(train(resources={"instance": "Standard_NC24s_v3"})),
        r"(?s)VM size retired: Standard_NC24s_v3 is gone.*NCv3 series on 2025-09-30.*name another size",
    ),
    (
        "a retired size of a compute entry",
        Case(train(), zone=clusters(Compute("old", "Standard_NC6s_v2")), queue=queue(hardware="old")),
        r"VM size retired: Standard_NC6s_v2",
    ),
    (
        "a VM size that nobody knows",
        Case(train(), zone=clusters(Compute("new", "Standard_NC8as_T5_v9")), queue=queue(hardware="new")),
        r"(?s)VM size unknown: Standard_NC8as_T5_v9.*list-sizes",
    ),
    (
        "a disk on a size whose disk nobody knows",
        Case(train(resources={"instance": "Standard_D13_v2", "disk": 100})),
        r"hardware: .*Standard_D13_v2 .*the size of its temporary disk is not known",
    ),
    (
        "a low-priority cluster",
        Case(
            train(**SPOT),
            zone=clusters(Compute("cheap", "Standard_D4ds_v5", tier="spot")),
            queue=queue(hardware="cheap"),
        ),
        r"(?s)low-priority cluster: cheap is .*on 2026-03-31 .it has Spot VMs now.*vmPriority has no Spot.*less",
    ),
    (
        "a spot job on a cluster",
        Case(train(**SPOT), zone=clusters()),
        r"(?s)spot: jobs of this zone run on its clusters.*2026-03-31.*network is public",
    ),
    (
        "a cluster's name too long",
        Case(train(), zone=clusters(Compute("c" * 25, "Standard_D4ds_v5"))),
        r"(?s)compute name: c{25} is no name of a cluster.*3 to 24",
    ),
    (
        "a cluster's name that ends in a number",
        Case(train(), zone=clusters(Compute("gpu-1", "Standard_D4ds_v5"))),
        r"compute name: gpu-1 is no name",
    ),
    (
        "a cluster's name too long, by override",
        Case(train(), zone=clusters(), queue=queue(computeId="c" * 25)),
        r"compute name: queue training names the cluster c{25}",
    ),
    (
        "a cluster that the zone does not have, by override",
        Case(train(), zone=clusters(), queue=queue(computeId=f"{WORKSPACE}/computes/theirs")),
        r"(?s)compute: .*the cluster theirs.*\(cpu, gpu, gpu-large, a100\)",
    ),
    (
        "a cluster of another workspace",
        Case(train(), zone=clusters(), queue=queue(computeId=f"{OTHER}/computes/cpu")),
        r"(?s)workspace: .*a cluster of workspace elsewhere.*azure-weu-1a2b3c in westeurope",
    ),
    (
        "something else of another workspace",
        Case(train(), queue=queue(properties={"parent": f"{OTHER}/jobs/x"})),
        r"workspace: .*names something of workspace elsewhere: properties\.parent",
    ),
    (
        "a cluster in a zone of serverless jobs",
        Case(train(), queue=queue(computeId=f"{WORKSPACE}/computes/cpu")),
        r"(?s)compute: .*the cluster cpu.*\(none\)",
    ),
    (
        "a size that no cluster has",
        Case(train(resources={"instance": "Standard_F4s_v2"}), zone=clusters()),
        r"(?s)compute: Standard_F4s_v2 is not among the zone's clusters.*Standard_D4ds_v5",
    ),
    (
        "a zone on a private network without a cluster",
        Case(train(), zone=dataclasses.replace(clusters(), compute=())),
        r"hardware: no instance type that the zone allows fits",
    ),
    (
        "more nodes than the clusters of a size have",
        Case(train(resources={"instance": "Standard_D4ds_v5", "nodes": 5}), zone=clusters()),
        r"compute\.cpu\.max: the job wants 5 nodes, cpu has 4",
    ),
    (
        "more nodes than the queue's cluster has",
        Case(train(resources={"nodes": 3}), zone=clusters(), queue=queue(hardware="gpu")),
        r"compute\.gpu\.max: the job wants 3 nodes, gpu has 2",
    ),
    *(
        (
            f"tier {tier}",
            Case(train(), queue=queue(queueSettings={"jobTier": tier})),
            rf"job tier: queue training asks for tier {tier}, which serverless jobs do not have",
        )
        for tier in ("Basic", "Premium", "Null")
    ),
    (
        "tier Spot by override",
        Case(train(), queue=queue(queueSettings={"jobTier": "Spot"})),
        r"(?s)job tier: .*makes every job a spot job.*spot: required",
    ),
    (
        "tier Standard of a spot job",
        Case(train(**SPOT), queue=queue(queueSettings={"jobTier": "Standard"})),
        r"job tier: the job is a spot job and queue training asks for Standard",
    ),
    (
        "no tier",
        Case(train(), queue=queue(queueSettings={"jobTier": None})),
        r"job tier: queue training removes it",
    ),
    (
        "a tier on a cluster",
        Case(train(), zone=clusters(), queue=queue(queueSettings={"jobTier": "Standard"})),
        r"job tier: .*jobs of this zone run on clusters",
    ),
    (
        "another size by override",
        Case(train(), queue=queue(resources={"instance_type": "Standard_ND96asr_v4"})),
        r"(?s)VM size: .*Standard_ND96asr_v4, and the size of this job is Standard_D2ds_v5.*`hardware`",
    ),
    (
        "a size on a cluster, by override",
        Case(train(), zone=clusters(), queue=queue(resources={"instanceType": "Standard_D4ds_v5"})),
        r"VM size: .*a cluster has its own",
    ),
    (
        "more than one process on a node",
        Case(
            train(resources={"nodes": 2}),
            queue=queue(distribution={"distributionType": "PyTorch", "processCountPerInstance": 8}),
        ),
        r"(?s)processes per node: queue training starts the command 8 times.*torchrun",
    ),
    (
        "parameter servers",
        Case(
            train(resources={"nodes": 2}),
            queue=queue(distribution={"distributionType": "TensorFlow", "processCountPerInstance": None}),
        ),
        r"distribution: .*TensorFlow",
    ),
    (
        "more nodes than a run of MPI may have",
        Case(
            train(resources={"nodes": 301}),
            zone=open_zone(limits=Limits(max_nodes=400)),
            queue=queue(distribution={"distributionType": "Mpi"}),
        ),
        r"MPI nodes: the job wants 301 nodes, Azure ML allows 300 in a run of MPI",
    ),
    (
        "a job that lives too long",
        Case(train(max_runtime=21 * DAY + 1)),
        r"job lifetime: the job may run 1814401 s, Azure ML allows 1814400 s",
    ),
    (
        "a spot job that lives too long",
        Case(train(max_runtime=7 * DAY + 1, **SPOT)),
        r"(?s)spot lifetime: .*after 7 days.*resume from the checkpoint",
    ),
    (
        "isolation that Azure ML does not have",
        Case(train(), zone=open_zone(controls=Controls(True, controls().wandb, 1))),
        r"(?s)controls\.network_isolation: Azure ML has no container without a network.*managedNetwork",
    ),
    (
        "a field of a newer API",
        Case(
            train(),
            zone=open_zone(azure_cloud="usgovernment"),
            queue=queue(resources={"dockerArgsList": ["--init"]}),
        ),
        r"API version: .*resources\.dockerArgsList, which came with 2025-12-01; usgovernment has 2024-10-01",
    ),
    (
        "a foreign private image",
        Case(train(image="registry.corp.example:5000/ml/train@" + DIGEST)),
        r"(?s)image registry: .*not from registry\.corp.*dispatch image copy registry\.corp\.example:5000/",
    ),
    (
        "an image of AWS",
        Case(train(image="123456789012.dkr.ecr.eu-central-1.amazonaws.com/train:1")),
        r"image registry: .*amazonaws\.com",
    ),
    (
        "a registry that only ends like Azure's",
        Case(train(image="evilazurecr.io/train:1")),
        r"image registry: .*not from evilazurecr\.io",
    ),
    (
        "a registry of the other cloud of Azure",
        Case(train(image="x.azurecr.io/train:1"), zone=open_zone(azure_cloud="usgovernment")),
        r"image registry: .*x\.azurecr\.io",
    ),
    ("a tag under GDPR", Case(train(), regime="gdpr"), r"regime gdpr: image train:v1 has no digest"),
    (
        "a secret of another cloud",
        Case(train(secrets={"A": "aws-sm://a"})),
        r"(?s)secrets: A.*aws-sm://.*use azure-kv://NAME, the secret NAME of the vault azure-weu-1a2b3c",
    ),
    ("a secret of the submitter's shell", Case(train(secrets={"A": "env://A"})), r"secrets: A is a reference"),
    (
        "W&B online without a route",
        Case(train(wandb=Wandb("p")), zone=clusters(controls=controls("online"))),
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
            zone=open_zone(compute=(Compute("c", "Standard_D4ds_v5", tier="spot"),)),
            queue=queue(hardware="c"),
        ),
        r"compute\.c\.tier",
    ),
    (
        "a size that is not allowed",
        Case(
            train(resources={"instance": "Standard_ND96asr_v4"}),
            zone=open_zone(limits=Limits(("Standard_D4ds_v5",))),
        ),
        r"limits\.instance_types: Standard_ND96asr_v4",
    ),
    ("outputs to another account", Case(train(), queue=output("https://x.blob.core.windows.net/o")), r"buckets: "),
    (
        "outputs to another datastore",
        Case(train(), queue=output("azureml://datastores/workspaceblobstore/paths/x")),
        r"(?s)buckets: .*outside the zone.*of data, output, checkpoints",
    ),
    (
        "outputs to a datastore of another workspace",
        Case(
            train(),
            queue=output(
                "azureml://subscriptions/0/resourcegroups/azure-weu/workspaces/x/datastores/output/paths/y"
            ),
        ),
        r"buckets: ",
    ),
    (
        "outputs to a container that only begins the same",
        Case(train(), queue=output("https://azureweu1a2b3c.blob.core.windows.net/output-evil/x")),
        r"buckets: ",
    ),
    (
        "a name of the dispatcher",
        Case(train(), queue=queue(environment_variables={"DISPATCH_JOB_ID": "x"})),
        r"overrides: .*DISPATCH_JOB_ID",
    ),
    (
        "a tag of the dispatcher",
        Case(train(), queue=queue(tags={"dispatch-id": "x"})),
        r"overrides: .*tags\.dispatch-id",
    ),
    *(
        (f"an override of {path}", Case(train(), queue=raw_queue(raw)), rf"overrides: .*overrides {path}")
        for path, raw in {
            "jobType": {"jobType": "Sweep"},
            "displayName": {"display_name": "x"},
            "isArchived": {"isArchived": True},
            "command": {"command": "true"},
            "environmentId": {"environmentId": "azureml:x:1"},
            "codeId": {"codeId": "x"},
            "componentId": {"componentId": "x"},
            "identity": {"identity": {"identityType": "UserIdentity"}},
            "limits": {"limits": {"timeout": "PT1S"}},
            "resources.instanceCount": {"resources": {"instanceCount": 8}},
            "outputs.output": {"outputs": {"output": {"mode": "Upload", "jobOutputType": "uri_folder"}}},
        }.items()
    ),
    *(
        (f"an override that removes {name}", Case(train(), queue=queue(**{name: None})), rf"removes {name}")
        for name in ("resources", "outputs", "tags", "environmentVariables", "queueSettings", "computeId")
    ),
    (
        "an override that removes everything",
        Case(train(), queue=queue(overrides={"properties": None})),
        r"overrides: queue training removes properties",
    ),
]


@pytest.mark.parametrize(("case", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_rule_refuses(case: Case, message: str) -> None:
    with pytest.raises(PolicyRefusal, match=message) as refused:
        case.render()
    assert refused.value.remedy or "\n  " in refused.value.message, "a refusal says what to do next"


def test_a_vm_size_is_written_in_any_letter_case() -> None:
    fields = Case(
        train(resources={"instance": "STANDARD_D4DS_V5"}),
        queue=queue(resources={"instanceType": "standard_d4ds_v5"}),
    ).fields()
    assert fields["environmentVariables"]["DISPATCH_INSTANCE"] == "Standard_D4ds_v5"
    with pytest.raises(PolicyRefusal, match="VM size retired: Standard_NC6s_v3"):
        Case(train(resources={"instance": "STANDARD_NC6S_V3"})).render()


def test_all_refusals_are_named_at_once() -> None:
    zone = open_zone(limits=Limits(max_nodes=1), controls=Controls(True, controls().wandb, 1))
    case = Case(train(secrets={"A": "env://A"}, resources={"nodes": 2}), zone=zone, regime="hipaa")
    with pytest.raises(PolicyRefusal) as refused:
        case.render()
    for rule in ("limits.max_nodes", "controls.network_isolation", "secrets", "regime hipaa"):
        assert f"{rule}: " in str(refused.value)


@pytest.mark.parametrize(
    ("written", "sent", "warned"),
    [
        ("azure-kv://db", "azure-kv://azure-weu-1a2b3c/db", False),
        ("azure-kv://azure-weu-1a2b3c/db", "azure-kv://azure-weu-1a2b3c/db", False),
        ("azure-kv://Azure-weu-1a2b3c/db", "azure-kv://Azure-weu-1a2b3c/db", False),
        (f"azure-kv://db@{'0' * 32}", f"azure-kv://azure-weu-1a2b3c/db@{'0' * 32}", False),
        ("azure-kv://corp/db", "azure-kv://corp/db", True),
    ],
)
def test_a_secret_is_the_zone_s_own_or_warned_about(written: str, sent: str, warned: bool) -> None:
    case = Case(train(secrets={"DB": written}))
    variables = case.fields()["environmentVariables"]
    assert variables["DISPATCH_SECRET_DB"] == sent
    assert "DB" not in variables
    assert any("execution identity may not read it" in text for text in case.render().warnings) == warned


@pytest.mark.parametrize(
    ("case", "warning"),
    [
        (
            Case(train(resources={"instance": "Standard_F4s_v2"})),
            "Standard_F4s_v2 is retired on 2028-11-15, and new subscriptions may not get it",
        ),
        (
            Case(
                train(resources={"nodes": 101}),
                zone=open_zone(limits=Limits(max_nodes=400)),
                queue=queue(distribution={"distributionType": "Mpi"}),
            ),
            "101 nodes: Azure ML allows 100 in a run of MPI",
        ),
        (Case(train(max_wait=90_000)), "max_wait is left out"),
        (Case(train(max_wait=90_000, **SPOT)), "beyond max_wait a command that runs the queue stops the job"),
        (Case(train(**SPOT)), "does not start an interrupted spot job again"),
        (Case(train(), queue=queue(min_warm=1)), "a serverless job has none to keep"),
        (Case(train(), zone=clusters(), queue=queue(min_warm=1)), "set min of the compute entry"),
        (Case(train(resources={"instance": "Standard_D4ds_v5", "disk": 100})), "temporary disk, 161 GB"),
        (Case(train(resources={"gpu": 1, "gpu_type": "T4", "nodes": 2})), "which has no InfiniBand"),
        (Case(train(image="other.azurecr.io/x:1")), "needs AcrPull there"),
        (Case(train(image="quay.io/x/y:1")), "without signing in"),
        (Case(train(image="quay.io/x/y:1"), zone=clusters(network=golden_zone().network)), "network.fqdns"),
        (Case(train(image="team/train:1")), "docker.io/team/train:1"),
        (Case(train(inputs={"a": "https://x.blob.core.windows.net/c/d"})), "not in a container of this zone"),
        (Case(train(), queue=queue(distribution={"distributionType": "Mpi"})), "a job of one node does not have"),
    ],
)
def test_what_is_allowed_and_probably_not_meant_is_said(case: Case, warning: str) -> None:
    assert any(warning in text for text in case.render().warnings)


def test_microsofts_own_images_come_through_a_closed_network() -> None:
    case = Case(train(image="mcr.microsoft.com/azureml/x:1"), zone=clusters(network=golden_zone().network))
    assert not any("fqdns" in text for text in case.render().warnings)


def test_the_owner_is_a_tag_whatever_the_user_is_called() -> None:
    case = dataclasses.replace(Case(train()), user="Ada <ada@example.org> 100%\\/?\n" + "x" * 300)
    owner = case.fields()["tags"]["owner"]
    assert owner.startswith("Ada -ada@example.org- 100-----")
    assert len(owner) == 256
