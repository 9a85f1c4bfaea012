"""`python bench/pulumi.py`: what previewing both zones of stack `local` costs beside a plain program.

The plain program imports the same modules of `pulumi_aws` and `pulumi_gcp` and registers the same classes with the
same inputs, read from a file, and does nothing else; the difference is what `infra/` itself does: configuration,
validation, policies, components, hooks.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[0] = str(CHECKOUT)  # this folder holds a pulumi.py

from bench.timing import Case, measure, table  # noqa: E402 - the path has to be right first
from localcloud import running  # noqa: E402

BUDGET = 1.3
CLOUDS = ("aws", "gcp")
PROVIDER = "pulumi:providers:"
BIN = Path(sys.executable).parent

PLAIN = '''\
"""Registers the resources of resources.json, and nothing else."""

import importlib
import json
from pathlib import Path

import pulumi

found = json.loads(Path(__file__).with_name("resources.json").read_text())
providers = {}
for one in found:
    cloud = one["cloud"]
    if one["type"].startswith("pulumi:providers:"):
        kind = importlib.import_module(f"pulumi_{cloud}").Provider
        provider = providers[cloud] = kind.__new__(kind)
        pulumi.ProviderResource.__init__(provider, cloud, one["name"], one["inputs"])
    else:
        kind = getattr(importlib.import_module(one["module"]), one["class"])
        resource = kind.__new__(kind)
        options = pulumi.ResourceOptions(provider=providers[cloud])
        pulumi.CustomResource.__init__(resource, one["type"], one["name"], one["inputs"], options)
'''


def main() -> int:
    """Print the table; 1 when the zone is over its budget."""
    parser = argparse.ArgumentParser(description="Preview of a zone against a plain program.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    preview = [str(BIN / "pulumi"), "preview", "--non-interactive", "--suppress-outputs", "--suppress-progress"]
    with tempfile.TemporaryDirectory() as made, running(Path(made) / "place") as cloud:
        zone, plain = CHECKOUT, Path(made) / "plain"
        environment = cloud.environment
        _pulumi(environment, zone, "stack", "init", "local")
        planned = json.loads(_pulumi(environment, zone, "preview", "--json", "--stack", "local"))
        count = _write_plain(plain, planned)
        _pulumi(environment, plain, "stack", "init", "local")
        cases = [
            Case("plain program", [*preview, "--cwd", str(plain), "--stack", "local"]),
            Case("zone", [*preview, "--cwd", str(zone), "--stack", "local"], "plain program", BUDGET),
        ]
        timings = measure(cases, rounds, environment, CHECKOUT)
    print(table(f"`pulumi preview` of {count} resources that are not there yet, {rounds} rounds", timings))
    return 0 if all(one.kept for one in timings) else 1


def _pulumi(environment: dict[str, str], folder: Path, *words: str) -> str:
    command = [str(BIN / "pulumi"), *words, "--non-interactive"]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _write_plain(folder: Path, planned: dict[str, Any]) -> int:
    """Write a project that registers what a preview planned; returns the number of resources."""
    folder.mkdir()
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(BIN.parent)}}
    (folder / "Pulumi.yaml").write_text(f"name: plain\nruntime: {json.dumps(runtime)}\n")
    (folder / "__main__.py").write_text(PLAIN)
    classes = _classes()
    rows = []
    for step in planned["steps"]:
        state = step["newState"]
        kind = state["type"]
        if kind in classes or kind.startswith(PROVIDER):
            module, name = classes.get(kind, ("", ""))
            cloud = kind.removeprefix(PROVIDER).partition(":")[0]
            inputs = {key: value for key, value in state.get("inputs", {}).items() if not key.startswith("__")}
            named = {"name": step["urn"].rpartition("::")[2], "module": module, "class": name}
            rows.append({"type": kind, "cloud": cloud, **named, "inputs": inputs})
    rows.sort(key=lambda row: not row["type"].startswith(PROVIDER))
    (folder / "resources.json").write_text(json.dumps(rows))
    return len(rows)


def _classes() -> dict[str, tuple[str, str]]:
    """Which class of which module stands for a type token, as the clouds' SDKs themselves register them."""
    from pulumi.runtime import rpc

    for cloud in CLOUDS:
        importlib.import_module(f"pulumi_{cloud}")  # importing it registers its modules

    # The SDK has no public list of what is registered, only look-ups by version.
    modules = [vars(module)["mod_info"] for found in rpc._RESOURCE_MODULES.values() for module in found]
    return {token: (info["fqn"], name) for info in modules for token, name in info["classes"].items()}


if __name__ == "__main__":
    sys.exit(main())
