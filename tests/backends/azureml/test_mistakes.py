"""What render calls a mistake on Azure ML: every vendor limit, named by the key the user wrote."""

from __future__ import annotations

import pytest

from dispatcher.errors import SpecError
from dispatcher.job import Wandb
from tests.backends.azureml.cases import Case, queue
from tests.backends.cases import train

WRONG: list[tuple[str, Case, str]] = [
    (
        "an expression in a command",
        Case(train(command=("python", "train.py", "--data=${{inputs.train}}"))),
        r"command\[2\]: holds \$\{\{, which Azure ML replaces before the job sees it \(.*DISPATCH_OUTPUT_DIR",
    ),
    (
        "an expression in a script",
        Case(train(command=("sh", "-c", "cp x ${{ outputs.output }}"))),
        r"command\[2\]: holds \$\{\{",
    ),
    ("an expression in a variable", Case(train(env={"A": "a${{b"})), r"env\.A: holds \$\{\{"),
    ("an expression in a label", Case(train(labels={"team": "a${{b"})), r"labels\.team: holds \$\{\{"),
    ("an expression in W&B", Case(train(wandb=Wandb("${{p}}"))), r"wandb\.project: holds \$\{\{"),
    *(
        (f"the variable {name}", Case(train(env={name: "x"})), rf"env\.{name}: decides who the job is")
        for name in ("AZURE_CLIENT_ID", "MSI_SECRET", "IDENTITY_HEADER")
    ),
    ("no command", Case(train(command=())), r"command: is missing: Azure ML runs a command in the image"),
    ("spot without checkpoint", Case(train(spot=True)), r"spot: needs checkpoint: true"),
    ("no nodes", Case(train(resources={"nodes": 0})), r"resources\.nodes: is 0"),
    ("a name of the dispatcher", Case(train(env={"DISPATCH_JOB_ID": "x"})), r"env\.DISPATCH_JOB_ID: the disp"),
    ("a name too long", Case(train(name="a" * 60)), r"name: makes the name a+-k3v9x2-1"),
    ("an underscore in a name", Case(train(name="a_b")), r"name: makes the name a_b-k3v9x2-1"),
    ("an image that is none", Case(train(image="Train:v1")), r"image: 'Train:v1' is not an image reference"),
    (
        "an input on another cloud",
        Case(train(inputs={"train": "s3://b/x"})),
        r"inputs\.train: 's3://b/x' is not a location in Azure Blob Storage.*copy it there: https://azureweu1a2b3c",
    ),
    (
        "an input of the web",
        Case(train(inputs={"train": "https://example.org/data.zip"})),
        r"inputs\.train: 'https://example\.org/data\.zip' is not a location",
    ),
    (
        "an input of the other cloud of Azure",
        Case(train(inputs={"train": "https://x.blob.core.usgovcloudapi.net/c"})),
        r"inputs\.train: .* is not a location",
    ),
    (
        "a signature in an input",
        Case(train(inputs={"train": "https://x.blob.core.windows.net/c/d?sv=1&sig=abc"})),
        r"inputs\.train: carries a query: a signature in it is a secret",
    ),
    (
        "two inputs of one name",
        Case(train(inputs=dict.fromkeys(("a-b", "a_b"), "azureml://datastores/data/paths/x"))),
        r"inputs\.a_b: another input is called DISPATCH_INPUT_A_B",
    ),
    ("a tag of the dispatcher", Case(train(labels={"dispatch-name": "x"})), r"labels\.dispatch-name: the disp"),
    (
        "an override beside properties",
        Case(train(), queue=queue(overrides={"resources": {"shmSize": "8g"}})),
        r"queue training: overrides\.resources: stands beside `properties` \(write it below it\)",
    ),
    (
        "a misspelt override",
        Case(train(), queue=queue(resource={})),
        r"queue training: overrides\.properties\.resource: .*no such field \(did you mean resources\?\)",
    ),
    (
        "a misspelt override deep inside",
        Case(train(), queue=queue(resources={"shm_sise": "8g"})),
        r"overrides\.properties\.resources\.shm_sise: .*no such field",
    ),
    (
        "an override in both spellings",
        Case(train(), queue=queue(resources={"shmSize": "8g", "shm_size": "8g"})),
        r"overrides\.properties\.resources\.shm_size: .*no such field \(did you mean shmSize\?\)",
    ),
    (
        "a size of memory that is none",
        Case(train(), queue=queue(resources={"shmSize": "8gb"})),
        r"overrides\.properties\.resources\.shmSize: '8gb' does not match",
    ),
    (
        "an override of an answer's field",
        Case(train(), queue=queue(status="Running")),
        r"overrides\.properties\.status: is an answer's field",
    ),
    (
        "a priority, which Azure ML has no more",
        Case(train(), queue=queue(queueSettings={"priority": 1})),
        r"overrides\.properties\.queueSettings\.priority: .*no such field",
    ),
    (
        "an unknown kind of output",
        Case(train(), queue=queue(outputs={"x": {"jobOutputType": "folder"}})),
        r"outputs\.x\.jobOutputType: 'folder' is not a value",
    ),
    (
        "an output without its kind",
        Case(train(), queue=queue(outputs={"x": {"mode": "Upload"}})),
        r"outputs\.x\.jobOutputType: is required",
    ),
    (
        "resources that are no object",
        Case(train(), queue=queue(resources=["x"])),
        r"overrides\.properties\.resources: must be an object",
    ),
    ("an unknown GPU", Case(train(resources={"gpu_type": "L4"})), r"resources\.gpu_type: azure has no L4"),
    (
        "an unknown size",
        Case(train(resources={"instance": "Standard_D4s_v33"})),
        r"resources\.instance: Standard_D4s_v33 is not a training instance type of azure \(did you",
    ),
]


@pytest.mark.parametrize(("case", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_mistake_is_named_by_the_key_that_was_written(case: Case, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        case.render()


def test_all_mistakes_are_named_at_once() -> None:
    case = Case(train(image="A", command=("${{x}}",), spot=True, inputs={"t": "x"}, labels={"queue": "x"}))
    with pytest.raises(SpecError) as wrong:
        case.render()
    paths = {problem.path for problem in wrong.value.problems}
    assert paths >= {"image", "command[0]", "spot", "inputs.t", "labels.queue"}
