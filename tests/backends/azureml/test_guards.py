"""What neither a queue's overrides nor a job's variables undo on Azure ML: who it is, its walls, its lines."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.errors import PolicyRefusal
from tests.backends.azureml.cases import Case, queue
from tests.backends.cases import DIGEST, train

SSH = {"shell": {"jobServiceType": "SSH", "nodes": {"nodesValueType": "All"}}}
HOOK = {"webhooks": {"theirs": {"webhookType": "AzureDevOps", "eventType": "RunStateChanged"}}}


def raw_queue(fields: object) -> Any:
    """Return a queue whose overrides are these fields of the job, whatever they are called."""
    return queue(overrides={"properties": fields})


REFUSED: list[tuple[str, Case, str]] = [
    *(
        (
            f"an override of {name}",
            Case(train(), queue=queue(environmentVariables={name: "x"})),
            rf"sets {name}: it",
        )
        for name in ("AZURE_CLIENT_ID", "IDENTITY_ENDPOINT", "MSI_ENDPOINT", "DEFAULT_IDENTITY_CLIENT_ID")
    ),
    *(
        (
            f"docker's {word}",
            Case(train(), queue=queue(resources={"dockerArgs": word})),
            rf"overrides: .* sets {option} in resources\.dockerArgs",
        )
        for word, option in {
            "--init --privileged": "--privileged",
            "-v /:/host": "--volume",
            "-v/:/host": "--volume",
            "-itv /:/host": "--volume",
            "--volume=/:/host": "--volume",
            "--mount type=bind,src=/,dst=/host": "--mount",
            "--network host": "--network",
            "--cap-add=SYS_ADMIN": "--cap-add",
            "-eAZURE_CLIENT_ID=x": "--env",
        }.items()
    ),
    (
        "docker's options as a list",
        Case(train(), queue=queue(resources={"dockerArgsList": ["--init", "--pid=host"]})),
        r"overrides: .* sets --pid in resources\.dockerArgsList",
    ),
    (
        "the output in which the lines are",
        Case(train(), queue=queue(outputs={"default": {"jobOutputType": "uri_folder", "mode": "Upload"}})),
        r"outputs\.default, where Azure ML keeps the job's lines",
    ),
    *(
        (
            f"an expression in {name}",
            Case(train(), queue=raw_queue({name: {"a": "x${{b}}"}})),
            rf"writes \$\{{\{{ in {name}\.a, which Azure ML replaces",
        )
        for name in ("environmentVariables", "tags", "properties")
    ),
    (
        "a signature in an input of the queue",
        Case(
            train(),
            queue=queue(
                inputs={"x": {"jobInputType": "uri_folder", "uri": "https://x.blob.core.windows.net/c/d?sig=abc"}}
            ),
        ),
        r"buckets: .*writes a query in inputs\.x\.uri: a signature",
    ),
    (
        "a way into the node under a regime",
        Case(train(image=f"train@{DIGEST}"), queue=queue(services=SSH), regime="hipaa"),
        r"regime hipaa: .*opens services\.shell \(SSH\)",
    ),
    (
        "calls to the outside under a regime",
        Case(train(image=f"train@{DIGEST}"), queue=queue(notificationSetting=HOOK), regime="gdpr"),
        r"regime gdpr: .*has Azure ML call webhooks\.theirs",
    ),
]


@pytest.mark.parametrize(("case", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_queue_does_not_open_a_job_or_make_it_somebody_else(case: Case, message: str) -> None:
    with pytest.raises(PolicyRefusal, match=message) as refused:
        case.render()
    assert refused.value.remedy or "\n  " in refused.value.message, "a refusal says what to do next"


@pytest.mark.parametrize(
    ("case", "warning"),
    [
        (
            Case(train(), queue=queue(services=SSH)),
            "opens services.shell (SSH): whoever may use it acts as the job",
        ),
        (Case(train(), queue=queue(notificationSetting=HOOK)), "has Azure ML call webhooks.theirs"),
        (Case(train(env={"AZURE_CLIENT_SECRET": "x"})), "takes it before the zone's execution identity"),
        (
            Case(train(), queue=queue(environmentVariables={"AZURE_USERNAME": "x"})),
            "queue training sets AZURE_USERNAME",
        ),
        (
            Case(
                train(),
                queue=queue(
                    inputs={"x": {"jobInputType": "uri_folder", "uri": "azureml://datastores/theirs/paths/x"}}
                ),
            ),
            "queue training reads inputs.x.uri from outside this zone's containers",
        ),
    ],
)
def test_what_may_be_meant_is_said(case: Case, warning: str) -> None:
    assert any(warning in text for text in case.render().warnings)
