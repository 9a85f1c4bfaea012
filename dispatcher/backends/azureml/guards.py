"""What neither overrides nor a job's variables undo: who the job is, its container's walls, its lines."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from dispatcher.backends.azureml import folders
from dispatcher.backends.azureml.command import EXPRESSION

if TYPE_CHECKING:
    from dispatcher.backends.findings import Findings
    from dispatcher.contract import AzureZone
    from dispatcher.job import Job

_WHO = ("AZURE_CLIENT_ID", "DEFAULT_IDENTITY_CLIENT_ID", "OBO_ENDPOINT", "IMDS_ENDPOINT")
_WHO_BEGINS = ("IDENTITY_", "MSI_")
"""Variables by which azure-identity finds the node's managed identity (its ManagedIdentityCredential)."""
_OTHER = (
    "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_USERNAME",
)  # fmt: skip
"""Variables with which azure-identity becomes somebody else first (its EnvironmentCredential)."""
_DOCKER = {
    "--privileged": "makes the container root of its node",
    "--cap-add": "widens what the container may do to its node",
    "--security-opt": "changes what the container may do to its node",
    "--device": "hands devices of the node to the container",
    "--pid": "shows the node's processes to the container",
    "--userns": "makes the container's root that of the node",
    "--volume": "mounts folders of the node",
    "--volumes-from": "mounts folders of other containers",
    "--mount": "mounts folders of the node",
    "--network": "takes the container into another network",
    "--net": "takes the container into another network",
    "--env": "sets variables past the rules: write them in environmentVariables",
    "--env-file": "sets variables past the rules: write them in environmentVariables",
    "--entrypoint": "replaces how the command is started",
}
"""Options of `docker run` that a queue does not set (docs.docker.com/reference/cli/docker/container/run)."""
_SHORT = {"v": "--volume", "e": "--env"}
_LETTERS = re.compile(r"-[diPqt]*([A-Za-z])")
"""A word of short options: `-v`, `-v/:/host`, `-itv`; the first that takes a value is the last one."""


def check_job(job: Job, zone: AzureZone, findings: Findings) -> None:
    """Hold a job's own variables, labels and W&B names to what is decided for it."""
    for name in job.env:
        if decides_who(name):
            findings.problem(f"env.{name}", _whose(zone), "send the job to a queue of another zone")
        elif name in _OTHER:
            findings.warn(f"env.{name}: {_somebody(zone)}")
    texts = {f"labels.{name}": text for name, text in job.labels.items()}
    if job.wandb:
        texts |= {"wandb.project": job.wandb.project or "", "wandb.entity": job.wandb.entity or ""}
    for path, text in texts.items():
        if EXPRESSION in text:
            findings.problem(path, f"holds {EXPRESSION}, which begins an expression of Azure ML", "leave it out")


def decides_who(name: str) -> bool:
    """Whether a variable decides as whom a program on the node acts."""
    return name in _WHO or name.startswith(_WHO_BEGINS)


def _whose(zone: AzureZone) -> str:
    return f"decides who the job is, which is the zone's execution identity {zone.identities.execution}"


def _somebody(zone: AzureZone) -> str:
    return f"azure-identity takes it before the zone's execution identity {zone.identities.execution}"


def check_override(
    field: str, value: object, source: str, zone: AzureZone, regime: str, findings: Findings
) -> None:
    """Refuse what opens a job to others, and say what only may; `field` is a path below `properties`."""
    top, _, rest = field.partition(".")
    name = rest.partition(".")[0]
    if value is None:
        return
    if top == "environmentVariables" and decides_who(name):
        findings.refuse("overrides", f"{source} sets {name}: it {_whose(zone)}", "use a queue of another zone")
    elif top == "environmentVariables" and name in _OTHER:
        findings.warn(f"{source} sets {name}: {_somebody(zone)}")
    elif field.startswith("outputs.default"):
        what = f"{source} overrides outputs.default, where Azure ML keeps the job's lines"
        findings.refuse("overrides", what, "give the output another name")
    elif top == "inputs" and field.endswith(".uri"):
        _check_input(field, str(value), source, zone, findings)
    elif field in ("resources.dockerArgs", "resources.dockerArgsList"):
        _check_docker(field, str(value), source, findings)
    elif top == "services":
        kind = f" ({value})" if field.endswith(".jobServiceType") else ""
        what = f"{source} opens {top}.{name}{kind}: whoever may use it acts as the job, on its node"
        _open(what, regime, findings)
    elif field.startswith("notificationSetting.webhooks."):
        _open(f"{source} has Azure ML call {rest}, outside the zone, about every job", regime, findings)
    if isinstance(value, str) and EXPRESSION in value and not field.startswith("outputs."):
        what = f"{source} writes {EXPRESSION} in {field}, which Azure ML replaces before the job sees it"
        findings.refuse("overrides", what, "write the value itself; the job has its folders in DISPATCH_...")


def _open(what: str, regime: str, findings: Findings) -> None:
    """Refuse under a regime, where nobody may look in who is not known; else leave it to who wrote the queue."""
    if regime == "none":
        findings.warn(what)
    else:
        findings.refuse(f"regime {regime}", what, "drop it from the overrides")


def _check_input(field: str, uri: str, source: str, zone: AzureZone, findings: Findings) -> None:
    if folders.of_zone(uri, zone) is not None:
        return
    if "?" in uri:
        what = f"{source} writes a query in {field}: a signature in it is a secret, and readable in the job"
        findings.refuse("buckets", what, "give the execution identity the right to read it instead")
    else:
        findings.warn(
            f"{source} reads {field} from outside this zone's containers: its execution identity "
            f"{zone.identities.execution} may not read it"
        )


def _check_docker(field: str, text: str, source: str, findings: Findings) -> None:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    for word in words:
        short = _LETTERS.match(word)
        option = _SHORT.get(short[1], "") if short else word.partition("=")[0]
        if option in _DOCKER:
            findings.refuse("overrides", f"{source} sets {option} in {field}, which {_DOCKER[option]}", "drop it")
