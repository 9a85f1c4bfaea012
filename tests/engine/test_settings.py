"""Settings that cannot be built: one message with every problem and its path, before anything is registered."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.place import SUBSCRIPTION
from tests.engine.census import census
from tests.engine.ground import Ground
from tests.engine.project import stack_settings

pytestmark = pytest.mark.engine

WRONG: dict[str, Any] = {
    "launchway:regime": "gdrp",
    "launchway:colour": "red",
    "launchway:zones": [
        {"name": "AWS one", "cloud": "aws", "region": "us-esat-1", "account": "12", "retentionDays": 91},
        {
            "name": "second",
            "cloud": "aws",
            "region": "us-east-1",
            "account": "123456789012",
            "network": {"cidr": "10.0.0.1/24"},
            "insatnceTypes": [],
        },
        {
            "name": "third",
            "cloud": "azure",
            "region": "westeurope",
            "subscription": "my-subscription",
            "compute": [{"name": "old", "instance": "Standard_NC6s_v3", "tier": "low-priority"}],
        },
    ],
}
PATHS = [
    "launchway:regime",
    "launchway:colour",
    "launchway:zones[0].name",
    "launchway:zones[0].account",
    "launchway:zones[1].network.cidr",
    "launchway:zones[1].insatnceTypes",
    "launchway:zones[2].subscription",
    "launchway:zones[2].compute[0].tier",
]
RIGHT = {
    "cloud": "azure",
    "region": "westeurope",
    "name": "azure-weu",
    "subscription": SUBSCRIPTION,
    "lifetime": "disposable",
}


@pytest.mark.parametrize("verb", ["preview", "up"])
def test_all_problems_come_in_one_message_before_anything_is_registered(own: Ground, verb: str) -> None:
    project = own.project("wrong", {"launchway:owner": "tests"})
    project.configure({**stack_settings("local"), **WRONG})
    outcome = getattr(project, verb)(check=False)
    assert outcome.code != 0
    (message,) = [error for error in outcome.errors if "launchway:" in error]
    assert [path for path in PATHS if path not in message] == []
    assert "Traceback" not in outcome.output
    assert [name for kind, name in outcome.steps if not kind.startswith("pulumi:pulumi:")] == []
    assert census(own.cloud, "aws", "us-east-1") == {}
    assert census(own.cloud, "azure", "westeurope") == {}


@pytest.mark.parametrize(
    ("setting", "path", "words"),
    [
        ({"compute": [{"name": "old", "instance": "Standard_NC6s_v3"}]}, "compute[0].instance", "retired"),
        ({"compute": [{"name": "odd", "instance": "Standard_Z99_v9"}]}, "compute[0].instance", "Standard_Z99_v9"),
        ({"compute": [{"name": "cpu", "instance": "Standard_D4s_v3", "tier": "spot"}]}, "compute[0].tier", "Spot"),
        ({"region": "westeuropa"}, "region", "westeurope"),
    ],
)
def test_what_azure_would_refuse_late_is_refused_at_once_with_its_setting(
    shared: Ground, setting: dict[str, Any], path: str, words: str
) -> None:
    zones = [{**RIGHT, **setting}]
    outcome = shared.project("wrong", {"launchway:owner": "tests", "launchway:zones": zones}).preview(check=False)
    assert outcome.code != 0
    assert f"launchway:zones[0].{path}" in outcome.message
    assert words.lower() in outcome.message.lower()
    assert [kind for kind, _ in outcome.steps if kind.startswith("azure-native:")] == []


def test_the_emulator_switch_refuses_an_address_that_is_not_on_this_machine(own: Ground) -> None:
    away = Ground(own.cloud, {**own.environment, "AWS_ENDPOINT_URL": "http://203.0.113.7:80"}, own.folder)
    outcome = away.project("local").preview(check=False)
    assert outcome.code != 0
    assert "203.0.113.7" in outcome.message
    assert [name for kind, name in outcome.steps if kind.startswith("aws:")] == []


def test_the_emulator_of_azure_must_be_on_this_machine_too(own: Ground) -> None:
    elsewhere = {**own.environment, "DISPATCH_AZURE_ENDPOINT": "http://203.0.113.7:80/_azure"}
    away = Ground(own.cloud, elsewhere, own.folder)
    outcome = away.project("local", stack_settings("local", "azure")).preview(check=False)
    assert outcome.code != 0
    assert "203.0.113.7" in outcome.message
    assert [name for kind, name in outcome.steps if kind.startswith("azure-native:")] == []
