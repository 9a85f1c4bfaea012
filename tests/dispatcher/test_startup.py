"""What a command may import: the modules that are loaded decide how fast it starts, on every machine alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dispatcher.conftest import GOLDEN

pytestmark = pytest.mark.process

CLOUDS = {"boto3", "botocore", "google", "proto", "grpc", "azure", "pulumi", "requests", "urllib3", "moto"}
HEAVY = CLOUDS | {"pydantic", "rich", "yaml", "asyncio", "email", "hashlib", "csv", "difflib", "psycopg"}
# The interpreter itself loads empty namespace packages (google, google.cloud) for a package that has a .pth file.
PROGRAM = """
import sys
before = set(sys.modules)
from dispatcher import cli
code = cli.run(sys.argv[1:])
print("\\x00" + "\\n".join(set(sys.modules) - before))
sys.exit(int(code))
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a zone and a queue on each cloud, and one job that waits."""
    root = tmp_path_factory.mktemp("startup")
    contract = json.loads((GOLDEN / "aws.json").read_text())
    for cloud in ("gcp", "azure"):
        contract["zones"] |= json.loads((GOLDEN / f"{cloud}.json").read_text())["zones"]
    (root / "outputs.json").write_text(json.dumps({"contract": contract}))
    for cloud, zone, tag in (
        ("aws", "aws-euc1", ":v1"),
        ("gcp", "gcp-euw4", "/train:v1"),
        ("azure", "azure-weu", "/train:v1"),
    ):
        image = contract["zones"][zone]["registry"]["url"] + tag
        job = f"image: {image}\ncommand: [python, train.py]\nresources: {{cpu: 2}}\n"
        (root / f"{cloud}.yaml").write_text(job)
    (root / "local.yaml").write_text("image: none\ncommand: ['true']\n")
    loaded(root, "sync", "--outputs", "outputs.json")
    loaded(root, "submit", "local.yaml", "-q", "local")
    return root


def loaded(root: Path, *words: str) -> set[str]:
    """The modules that are loaded when a command has ended well."""
    environment = {
        "DISPATCH_LEDGER": str(root / "ledger.db"),
        "HOME": str(root),
        "USER": "ada",
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.rpartition("\0")[2].split()}


@pytest.mark.parametrize(
    "words", ["--help", "--version", "list", "queue list", "history", "show --help", "completion bash"]
)
def test_a_command_that_only_looks_loads_no_cloud_and_nothing_heavy(ledger: Path, words: str) -> None:
    assert not loaded(ledger, *words.split()) & HEAVY


@pytest.mark.parametrize(("cloud", "queue"), [("aws", "aws-euc1"), ("gcp", "gcp-euw4"), ("azure", "azure-weu")])
def test_a_dry_run_loads_no_cloud_and_no_pydantic(ledger: Path, cloud: str, queue: str) -> None:
    words = ["submit", f"{cloud}.yaml", "-q", queue, "--dry-run", "-o", "json"]
    assert not loaded(ledger, *words) & (CLOUDS | {"pydantic", "rich"})


def test_the_help_of_every_command_loads_no_cloud(ledger: Path) -> None:
    from dispatcher.cli import COMMANDS

    program = "import sys\nbefore = set(sys.modules)\nfrom dispatcher import cli\n" + "\n".join(
        f"cli.run([{name!r}, '--help'])" for name in COMMANDS
    )
    done = subprocess.run(
        [sys.executable, "-c", program + "\nprint('\\0' + ' '.join(set(sys.modules) - before))"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    modules = {name.partition(".")[0] for name in done.stdout.rpartition("\0")[2].split()}
    assert not modules & (CLOUDS | {"pydantic", "yaml"})


def test_importing_the_package_loads_nothing_of_it() -> None:
    program = "import sys, dispatcher\nprint(*[n for n in sys.modules if n.startswith('dispatcher')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["dispatcher"]
