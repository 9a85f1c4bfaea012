"""The smallest type that fits, by the documented order, and what is said when none does."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.contract import Compute
from dispatcher.errors import PolicyRefusal, SpecError
from dispatcher.placement import catalog, choose, surplus
from dispatcher.queue import Queue
from tests.placement.zones import QUEUE, job, zone


@pytest.mark.parametrize(
    ("wishes", "instance"),
    [
        ({}, "ml.c7i.large"),
        ({"cpu": 2, "memory": 8}, "ml.m7i.large"),
        ({"cpu": 2, "gpu": 1, "memory": 8}, "ml.g4dn.xlarge"),
        ({"gpu": 1, "gpu_type": "A10G"}, "ml.g5.xlarge"),
        ({"gpu": 1, "gpu_type": "L4", "cpu": 9}, "ml.g6.4xlarge"),
        ({"gpu": 1, "gpu_type": "A100-40GB"}, "ml.p4d.24xlarge"),
        ({"gpu": 1, "gpu_type": "A100"}, "ml.p4d.24xlarge"),
        ({"gpu": 8, "gpu_type": "A100-80GB"}, "ml.p4de.24xlarge"),
        ({"gpu": 1, "gpu_type": "H100"}, "ml.p5.4xlarge"),
        ({"gpu": 2, "gpu_type": "H100"}, "ml.p5.48xlarge"),
        ({"gpu": 2}, "ml.g7.12xlarge"),
        ({"gpu": 4, "gpu_type": "T4"}, "ml.g4dn.12xlarge"),
        ({"gpu_type": "Trainium"}, "ml.trn1.2xlarge"),
        ({"memory": 1000}, "ml.r8i.32xlarge"),
        ({"gpu": 1, "gpu_type": "T4", "disk": 117}, "ml.g4dn.xlarge"),  # 125 GB of its own, and no volume
        ({"gpu": 1, "gpu_type": "T4", "disk": 200}, "ml.g4dn.2xlarge"),
        ({"disk": 5000}, "ml.c7i.large"),  # it gets a volume
    ],
)
def test_the_smallest_type_that_fits_is_taken(wishes: dict[str, object], instance: str) -> None:
    found = choose(job(**wishes), QUEUE, zone())
    assert found.instance == instance
    assert found.region == "eu-central-1"


def test_gpus_that_nobody_asked_for_are_told() -> None:
    def told(**wishes: object) -> str | None:
        return surplus(job(**wishes), choose(job(**wishes), QUEUE, zone()))

    many = told(gpu=1, gpu_type="A100")
    assert many is not None
    assert many.startswith("ml.p4d.24xlarge has 8 GPUs, the job asks for 1: all of them are paid")
    assert [told(gpu=8, gpu_type="A100"), told(gpu=1, gpu_type="H100"), told(cpu=2)] == [None, None, None]
    assert told(instance="ml.p4d.24xlarge") is None


def test_only_types_that_the_zone_allows_are_looked_at() -> None:
    allowed = zone("ml.g5.xlarge", "ml.m5.xlarge")
    assert choose(job(cpu=1), QUEUE, allowed).instance == "ml.m5.xlarge"
    assert choose(job(gpu=1), QUEUE, allowed).instance == "ml.g5.xlarge"


def test_less_gpu_memory_goes_before_fewer_cpus() -> None:
    allowed = zone("ml.g6e.xlarge", "ml.g5.2xlarge")
    assert choose(job(gpu=1), QUEUE, allowed).instance == "ml.g5.2xlarge"


def test_compute_entries_are_candidates_beside_the_allowed_types() -> None:
    found = choose(job(gpu=8), QUEUE, zone("ml.m5.xlarge", compute=(Compute("big", "ml.p4d.24xlarge"),)))
    assert found.instance == "ml.p4d.24xlarge"


def test_arm_retired_and_unknown_types_are_never_chosen_by_size() -> None:
    everything = [item for item in catalog("aws").values() if item.status != "current"]
    assert everything
    for item in everything:
        with pytest.raises(PolicyRefusal) as refused:
            choose(job(gpu=item.gpus, gpu_type=item.gpu_model), QUEUE, zone(item.instance))
        assert item.status in str(refused.value)


def test_a_retired_type_is_taken_when_the_job_names_it() -> None:
    assert choose(job(instance="ml.p3.2xlarge"), QUEUE, zone()).status == "retired"


def test_the_queue_hardware_is_taken_when_the_job_fits_it() -> None:
    offering = zone(compute=(Compute("gpu", "ml.g5.xlarge", max=4),))
    assert choose(job(cpu=1), Queue("q", "z", hardware="gpu"), offering).instance == "ml.g5.xlarge"


def test_a_job_that_does_not_fit_the_queue_hardware_is_refused_with_what_would() -> None:
    offering = zone(compute=(Compute("gpu", "ml.g5.xlarge"),))
    with pytest.raises(
        PolicyRefusal,
        match=r"(?s)queue q names ml.g5.xlarge .*1 of 4 GPUs.*nearest: ml\.g.*: fits, on a queue without",
    ) as refused:
        choose(job(gpu=4), Queue("q", "z", hardware="gpu"), offering)
    assert refused.value.exit_code == 3


def test_more_nodes_than_the_compute_entry_has_are_refused() -> None:
    offering = zone(compute=(Compute("gpu", "ml.g5.xlarge", max=2),))
    with pytest.raises(PolicyRefusal, match=r"compute\.gpu\.max: the job wants 3 nodes"):
        choose(job(nodes=3), Queue("q", "z", hardware="gpu"), offering)


def test_more_nodes_than_the_zone_allows_are_refused() -> None:
    with pytest.raises(PolicyRefusal, match=r"limits\.max_nodes: the job wants 5 nodes, zone allows 4"):
        choose(job(nodes=5), QUEUE, zone(max_nodes=4))


def test_an_unknown_queue_hardware_names_what_there_is() -> None:
    with pytest.raises(SpecError, match=r"no compute entry named gpux.*it has gpu"):
        choose(job(), Queue("q", "z", hardware="gpux"), zone(compute=(Compute("gpu", "ml.g5.xlarge"),)))


def test_a_type_the_zone_does_not_allow_is_refused_by_its_rule() -> None:
    with pytest.raises(PolicyRefusal, match=r"limits\.instance_types: ml\.p5\.48xlarge"):
        choose(job(instance="ml.p5.48xlarge"), QUEUE, zone("ml.m5.xlarge"))


def test_a_misspelt_type_gets_a_suggestion() -> None:
    with pytest.raises(SpecError, match=r"did you mean ml\.g5\.xlarge"):
        choose(job(instance="ml.g5.xlrge"), QUEUE, zone())


def test_an_unknown_gpu_gets_a_suggestion_or_the_sizes_it_comes_in() -> None:
    with pytest.raises(SpecError, match=r"resources\.gpu_type.*aws has no A100-20GB.*40 or 80 GiB"):
        choose(job(gpu_type="A100-20GB"), QUEUE, zone())
    with pytest.raises(SpecError, match=r"aws has no MI300X.*known there: A100, A10G"):
        choose(job(gpu_type="MI300X"), QUEUE, zone())
    with pytest.raises(SpecError, match=r"did you mean A10G"):
        choose(job(gpu_type="A10"), QUEUE, zone())


def test_a_named_type_whose_own_disks_are_too_small_is_refused_because_it_takes_no_volume() -> None:
    with pytest.raises(PolicyRefusal, match=r"own disks have 117 GiB of 900, and it takes no volume"):
        choose(job(instance="ml.g4dn.xlarge", disk=900), QUEUE, zone())


def test_nothing_fits_names_the_wish_and_the_three_nearest_with_what_they_lack() -> None:
    with pytest.raises(PolicyRefusal) as refused:
        choose(job(gpu=9), QUEUE, zone())
    message = str(refused.value)
    assert "no instance type that the zone allows fits gpu: 9" in message
    assert message.count("it has 8 of 9 GPUs") == 3


def test_no_zone_is_this_machine() -> None:
    assert choose(job(gpu=64), QUEUE, None).cloud == "local"


@settings(deadline=None)
@given(
    cpu=st.integers(0, 100), gpu=st.integers(0, 9), memory=st.integers(0, 2500),
    model=st.sampled_from([None, "T4", "A10G", "L4", "L40S", "A100", "H100", "H200"]),
)  # fmt: skip
def test_what_is_chosen_fits_and_nothing_smaller_does(cpu: int, gpu: int, memory: int, model: str | None) -> None:
    wish = job(cpu=cpu, gpu=gpu, memory=memory, gpu_type=model)
    try:
        found = choose(wish, QUEUE, zone())
    except PolicyRefusal:
        found = None
    current = [item for item in catalog("aws").values() if item.status == "current"]

    def fits(item: object) -> bool:
        assert dataclasses.is_dataclass(item)
        facts = dataclasses.asdict(item)  # type: ignore[arg-type] # narrowed to an instance above
        enough = (
            facts["vcpu"] >= cpu and facts["memory"] >= memory and facts["gpus"] >= max(gpu, 1 if model else 0)
        )
        right = facts["gpu_model"] == model if model else (facts["accelerator"] == "gpu" or not gpu)
        return bool(enough and right)

    if found is None:
        assert not any(fits(item) for item in current)
    else:
        assert fits(found)
        smaller = [item for item in current if fits(item) and item.gpus < found.gpus]
        assert not smaller
