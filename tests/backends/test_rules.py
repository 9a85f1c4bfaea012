"""The rules that are the same on every cloud: what spot jobs need, and how nodes talk to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dispatcher.backends import rules
from dispatcher.backends.findings import Findings
from dispatcher.contract import Zone
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.placement.catalog import catalog
from dispatcher.queue import Queue
from tests.backends.azureml import cases as azureml
from tests.backends.cases import train
from tests.backends.sagemaker import cases as sagemaker
from tests.backends.vertex import cases as vertex

ZONES: dict[str, Callable[[], Zone]] = {
    "aws": sagemaker.open_zone,
    "gcp": vertex.open_zone,
    "azure": azureml.open_zone,
}


def judged(cloud: str, queue: Queue | None = None, **fields: Any) -> list[str]:
    """Hold a job to the rules of a cloud's zone; the warnings when it passes."""
    findings = Findings()
    rules.check_limits(train(**fields), queue or Queue("line", "z"), ZONES[cloud](), findings)
    findings.settle()
    return findings.warnings


@pytest.mark.parametrize("cloud", ZONES)
def test_a_spot_job_needs_a_checkpoint_or_somebody_s_word_that_it_needs_none(cloud: str) -> None:
    with pytest.raises(SpecError, match=r"spot: needs checkpoint.*dispatch submit --no-checkpoint"):
        judged(cloud, spot=True)
    assert judged(cloud, spot=True, checkpoint=True) == []
    (warning,) = judged(cloud, spot=True, no_checkpoint=True)
    assert "starts anew" in warning


@pytest.mark.parametrize("cloud", ZONES)
def test_a_last_attempt_on_demand_needs_a_queue_that_takes_one(cloud: str) -> None:
    job: dict[str, Any] = {"spot": True, "checkpoint": True, "last_attempt_on_demand": True}
    (warning,) = judged(cloud, **job)
    assert "price" in warning
    with pytest.raises(PolicyRefusal, match="last_attempt_on_demand: queue line has no machines on demand"):
        judged(cloud, Queue("line", "z", spot="required"), **job)


@pytest.mark.parametrize(
    ("cloud", "instance", "warning"),
    [
        (
            "aws",
            "ml.g5.xlarge",
            "which has no EFA: nodes will talk slowly; ml.g5.8xlarge (1x A10G, 32 vCPU, 128 GiB)",
        ),
        ("aws", "ml.m5.large", "which has no EFA: nodes will talk slowly"),
        ("aws", "ml.p4d.24xlarge", ""),
        ("gcp", "g2-standard-8", "which has no GPUDirect"),
        ("gcp", "a3-megagpu-8g", ""),
        ("azure", "Standard_NC24ads_A100_v4", "Standard_ND96amsr_A100_v4 (8x A100, 96 vCPU"),
        ("azure", "Standard_ND96isr_H100_v5", ""),
    ],
)
def test_nodes_without_a_fast_network_are_warned_of_with_the_type_that_has_one(
    cloud: str, instance: str, warning: str
) -> None:
    findings = Findings()
    hardware = catalog(cloud)[instance]
    rules.warn_of_nodes(train(), hardware, "EFA", findings)
    assert findings.warnings == [], "one node talks to nobody"
    rules.warn_of_nodes(train(resources={"nodes": 2}), hardware, "EFA", findings)
    assert len(findings.warnings) == bool(warning)
    assert all(warning.replace("GPUDirect", "EFA") in text for text in findings.warnings), findings.warnings
