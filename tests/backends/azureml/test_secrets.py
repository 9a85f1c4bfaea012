"""How a program gets a secret, as docs/azureml.md has it: the lines are run with what `render` hands to a job."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.backends.azureml.cases import Case
from tests.backends.cases import train

PAGE = Path(__file__).parents[3] / "docs" / "azureml.md"
VERSION = "0123456789abcdef" * 2


def lines() -> str:
    """The one block of Python on the page that reads a secret."""
    (block,) = [one for one in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "SECRET_" in one]
    return str(block)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("azure-kv://wandb", ("https://azure-weu-1a2b3c.vault.azure.net", "wandb", None)),
        (f"azure-kv://wandb@{VERSION}", ("https://azure-weu-1a2b3c.vault.azure.net", "wandb", VERSION)),
        ("azure-kv://corp/wandb", ("https://corp.vault.azure.net", "wandb", None)),
        (f"azure-kv://corp/wandb@{VERSION}", ("https://corp.vault.azure.net", "wandb", VERSION)),
    ],
)
def test_every_form_of_a_reference_is_read_by_the_lines_of_the_page(
    written: str, asked: tuple[str, str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = Case(train(secrets={"WANDB_API_KEY": written})).fields()["environmentVariables"]
    monkeypatch.setenv("DISPATCH_SECRET_WANDB_API_KEY", variables["DISPATCH_SECRET_WANDB_API_KEY"])

    class SecretClient:
        def __init__(self, vault: str, credential: object) -> None:
            self.vault = vault

        def get_secret(self, name: str, version: str | None = None) -> Any:
            return SimpleNamespace(value=(self.vault, name, version))

    secrets, keyvault = ModuleType("azure.keyvault.secrets"), ModuleType("azure.keyvault")
    secrets.SecretClient = SecretClient  # type: ignore[attr-defined] # stands in for a client that is not installed
    identity = ModuleType("azure.identity")
    identity.DefaultAzureCredential = object  # type: ignore[attr-defined] # nobody signs in here
    for module in (identity, keyvault, secrets):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    found: dict[str, Any] = {}
    exec(lines(), found)
    assert found["secret"] == asked
