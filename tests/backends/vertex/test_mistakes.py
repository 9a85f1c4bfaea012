"""What render calls a mistake on Vertex AI: every vendor limit and rule, named by the key the user wrote."""

from __future__ import annotations

import pytest

from dispatcher.errors import SpecError
from tests.backends.cases import train
from tests.backends.vertex.cases import FLEX, H100, Case, queue, scheduled

WRONG: list[tuple[str, Case, str]] = [
    ("spot without checkpoint", Case(train(spot=True)), r"spot: needs checkpoint: true"),
    ("no nodes", Case(train(resources={"nodes": 0})), r"resources\.nodes: is 0"),
    (
        "max_wait that leaves no time to wait",
        Case(train(resources=H100, max_runtime=3600, max_wait=3600), queue=FLEX),
        r"max_wait: .*leaves no time to wait",
    ),
    ("a disk too large", Case(train(resources={"disk": 64_001})), r"resources\.disk: is 64001 GB"),
    (
        "too many variables",
        Case(train(env={f"A{n}": "" for n in range(95)})),
        r"env: has \d+ items, allowed at most 100",
    ),
    ("a variable's name", Case(train(env={"1A": "x"})), r"env\.1A: '1A' does not match"),
    (
        "a name of the dispatcher",
        Case(train(env={"DISPATCH_JOB_ID": "x"})),
        r"env\.DISPATCH_JOB_ID: the dispatcher sets",
    ),
    ("a name too long", Case(train(name="a" * 60)), r"name: makes the name a+-k3v9x2-1"),
    ("an underscore in a name", Case(train(name="a_b")), r"name: makes the name a_b-k3v9x2-1"),
    ("an image that is none", Case(train(image="Train:v1")), r"image: 'Train:v1' is not an image reference"),
    (
        "an input on another cloud",
        Case(train(inputs={"train": "s3://b/x"})),
        r"inputs\.train: 's3://b/x' is not a gs:// location",
    ),
    (
        "two inputs of one name",
        Case(train(inputs={"a-b": "gs://b/x", "a_b": "gs://b/y"})),
        r"inputs\.a_b: another input is called DISPATCH_INPUT_A_B",
    ),
    ("a label of the dispatcher", Case(train(labels={"dispatch-name": "x"})), r"labels\.dispatch-name: the disp"),
    ("a label's key", Case(train(labels={"Team": "x"})), r"labels\.Team \(key\): 'Team' does not match"),
    ("a label's key too long", Case(train(labels={"k" * 64: "x"})), r"labels\.k+ \(key\): has 64 characters"),
    ("a label's value", Case(train(labels={"team": "Vision!"})), r"labels\.team: 'Vision!' does not match"),
    ("a label's value too long", Case(train(labels={"team": "x" * 64})), r"labels\.team: has 64 characters"),
    ("too many labels", Case(train(labels={f"l{n}": "" for n in range(60)})), r"labels: has \d+ entries"),
    (
        "a misspelt override",
        Case(train(), queue=queue(overrides={"jobSpecs": {}})),
        r"queue training: overrides\.jobSpecs: .*no such field \(did you mean jobSpec\?\)",
    ),
    (
        "a misspelt override deep inside",
        Case(train(), queue=queue(pools=[{"disk_spec": {"boot_disk_sise_gb": 100}}])),
        r"overrides\.jobSpec\.workerPoolSpecs\[0\]\.diskSpec\.boot_disk_sise_gb: .*no such field",
    ),
    (
        "an override in both spellings",
        Case(train(), queue=queue(spec={"enableWebAccess": True, "enable_web_access": True})),
        r"overrides\.jobSpec\.enable_web_access: .*no such field \(did you mean enableWebAccess\?\)",
    ),
    (
        "an override of an answer's field",
        Case(train(), queue=queue(overrides={"web_access_uris": {}})),
        r"overrides\.webAccessUris: is an answer's field",
    ),
    (
        "an override of the wrong type",
        Case(train(), queue=queue(spec={"enableWebAccess": "yes"})),
        r"overrides\.jobSpec\.enableWebAccess: must be true or false",
    ),
    (
        "an override that is no duration",
        Case(train(resources=H100), queue=scheduled(strategy="FLEX_START", maxWaitDuration="3600")),
        r"overrides\.jobSpec\.scheduling\.maxWaitDuration: '3600' does not match",
    ),
    (
        "an override with an unknown word",
        Case(train(), queue=scheduled(strategy="FLEXSTART")),
        r"overrides\.jobSpec\.scheduling\.strategy: 'FLEXSTART' is not.*did you mean FLEX_START\?",
    ),
    (
        "a disk out of range by override",
        Case(train(resources={"nodes": 2}), queue=queue(pools=[{"diskSpec": {"bootDiskSizeGb": 99}}])),
        r"overrides\.jobSpec\.workerPoolSpecs\[0\]\.diskSpec\.bootDiskSizeGb: 99 is outside 100 to 64000",
    ),
    (
        "a disk type by override",
        Case(train(), queue=queue(pools=[{"diskSpec": {"bootDiskType": "pd-balanced"}}])),
        r"bootDiskType: 'pd-balanced' is not a value",
    ),
    (
        "pools that are no list",
        Case(train(), queue=queue(overrides={"jobSpec": {"workerPoolSpecs": {"diskSpec": {}}}})),
        r"overrides\.jobSpec\.workerPoolSpecs: must be a list",
    ),
    (
        "a spec that is no object",
        Case(train(), queue=queue(overrides={"jobSpec": ["x"]})),
        r"overrides\.jobSpec: must be an object",
    ),
    (
        "a pool that is no object",
        Case(train(), queue=queue(pools=["x"])),  # type: ignore[list-item] # what somebody might write
        r"workerPoolSpecs\[0\]: must be an object",
    ),
    ("an unknown GPU", Case(train(resources={"gpu_type": "A10G"})), r"resources\.gpu_type: gcp has no A10G"),
    (
        "an unknown machine",
        Case(train(resources={"instance": "n1-standard-5"})),
        r"resources\.instance: n1-standard-5 is not a training instance type of gcp \(did you mean n1-standard-",
    ),
    (
        "a V100 for a machine that is too large for it",
        Case(train(resources={"instance": "n1-standard-16+1xV100"})),
        r"n1-standard-16\+1xV100 is not a training instance type",
    ),
]


@pytest.mark.parametrize(("case", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_mistake_is_named_by_the_key_that_was_written(case: Case, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        case.render()


def test_a_mistake_of_every_pool_is_named_once() -> None:
    with pytest.raises(SpecError) as wrong:
        Case(train(env={"1": ""}, resources={"nodes": 2})).render()
    assert len(wrong.value.problems) == 1


def test_all_mistakes_are_named_at_once() -> None:
    case = Case(train(image="A", env={"1": ""}, spot=True, inputs={"t": "x"}, labels={"T": ""}))
    with pytest.raises(SpecError) as wrong:
        case.render()
    assert {problem.path for problem in wrong.value.problems} >= {"image", "env.1", "spot", "inputs.t"}
