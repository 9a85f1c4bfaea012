"""The real `pulumi` command on a private project: each verb returns what the engine's own events say happened."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]

# What identifies a resource across stacks, machines and providers: (type token, logical name).
Key = tuple[str, str]

# Several waits of a real provider (an S3 lifecycle takes it 55 s) overlap when the engine may run more at once.
PARALLEL = 24

# Steps that change nothing, or only describe part of a replacement that another step names.
_QUIET = {
    "same",
    "read",
    "refresh",
    "create-replacement",
    "delete-replaced",
    "read-replacement",
    "discard-replaced",
}


class PulumiFailed(AssertionError):
    """A verb that had to succeed did not; the message holds what the engine reported."""


@dataclass(frozen=True)
class Step:
    """What the engine planned or did to one resource, and by which properties it was moved to do so."""

    op: str
    type: str
    name: str
    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    failed: bool = False

    @property
    def key(self) -> Key:
        """The resource's identity."""
        return self.type, self.name


@dataclass(frozen=True)
class Outcome:
    """The end of one verb: its exit code, its steps by resource, and its error messages."""

    verb: str
    code: int
    seconds: float
    steps: Mapping[Key, Step]
    errors: tuple[str, ...]
    output: str = field(repr=False)

    @property
    def changes(self) -> dict[str, str]:
        """`{logical name (type): operation}` of everything that was not left alone."""
        return {f"{name} ({kind})": step.op for (kind, name), step in sorted(self.steps.items())}

    def names(self, op: str) -> list[str]:
        """The logical names that met this operation, sorted."""
        return sorted(step.name for step in self.steps.values() if step.op == op)

    @property
    def message(self) -> str:
        """All errors as one text, the way a person reads them below the command."""
        return "\n".join(self.errors) or self.output[-4000:]


@dataclass(frozen=True)
class Resource:
    """One resource of an exported state."""

    urn: str
    type: str
    name: str
    id: str
    provider: str
    parent: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    protect: bool
    depends: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The URNs whose outputs went into an input, by the input's name."""

    @property
    def key(self) -> Key:
        """The resource's identity."""
        return self.type, self.name


@dataclass(frozen=True)
class Project:
    """A folder with a Pulumi.yaml, one stack in a state of its own, and the environment its commands run in."""

    folder: Path
    stack: str
    environment: Mapping[str, str]

    def up(self, *options: str, check: bool = True) -> Outcome:
        """Bring the cloud to what the program says."""
        return self._verb("up", ["--yes", "--skip-preview", *options], check)

    def preview(self, *options: str, check: bool = True) -> Outcome:
        """Plan without touching the cloud."""
        return self._verb("preview", [*options], check)

    def refresh(self, *options: str, check: bool = True) -> Outcome:
        """Read the cloud into the state."""
        return self._verb("refresh", ["--yes", "--skip-preview", *options], check)

    def destroy(self, *options: str, check: bool = True) -> Outcome:
        """Remove everything the stack made."""
        return self._verb("destroy", ["--yes", "--skip-preview", *options], check)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write the stack's settings file; the line that Pulumi needs to decrypt its state stays."""
        path = self.settings_file
        kept = yaml.safe_load(path.read_text()) if path.exists() else {}
        salt = {key: value for key, value in (kept or {}).items() if key != "config"}
        path.write_text(yaml.safe_dump({**salt, "config": dict(settings)}, sort_keys=False))

    @property
    def settings_file(self) -> Path:
        """stacks/Pulumi.<stack>.yaml of this project."""
        return self.folder / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def settings(self) -> dict[str, Any]:
        """The stack's settings as they are now."""
        return dict(yaml.safe_load(self.settings_file.read_text()).get("config") or {})

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, as `pulumi stack output --json` prints them."""
        outputs: dict[str, Any] = json.loads(self.command("stack", "output", "--json").stdout)
        return outputs

    def export(self) -> dict[Key, Resource]:
        """The stack's state by resource."""
        document = json.loads(self.command("stack", "export").stdout)
        return {found.key: found for found in _resources(document)}

    def document(self) -> dict[str, Any]:
        """The stack's state exactly as `pulumi stack export` prints it."""
        document: dict[str, Any] = json.loads(self.command("stack", "export").stdout)
        return document

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run any other pulumi command on this stack; raises PulumiFailed unless it exits 0."""
        done = self._run([*words, "--stack", self.stack])
        if done.returncode:
            raise PulumiFailed(f"pulumi {' '.join(words)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def _run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        pulumi = shutil.which("pulumi", path=self.environment["PATH"])
        assert pulumi, "no pulumi on the PATH of the lane: run `make setup`"
        return subprocess.run(
            [pulumi, *words, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env={**self.environment, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
            capture_output=True,
            text=True,
            check=False,
        )

    def _verb(self, verb: str, options: list[str], check: bool) -> Outcome:
        start = time.monotonic()
        done = self._run([verb, "--stack", self.stack, "--json", "--parallel", str(PARALLEL), *options])
        outcome = _outcome(verb, done, time.monotonic() - start)
        if check and outcome.code:
            changes = "\n".join(f"  {what}: {op}" for what, op in outcome.changes.items())
            raise PulumiFailed(f"pulumi {verb} exited {outcome.code}\n{outcome.message}\n{changes}")
        return outcome


def create(
    folder: Path,
    stack: str,
    environment: Mapping[str, str],
    settings: Mapping[str, Any],
    program: Callable[[Path], None] | None = None,
) -> Project:
    """Make a project of the checkout's program with one empty stack.

    `folder` must be new. The program is the checkout's own `infra/`, by a link, unless `program` is given:
    it is called with the folder and puts another `infra/` there (a mutated copy, a tiny program).
    """
    (folder / "stacks").mkdir(parents=True)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    shutil.copy(CHECKOUT / "Pulumi.yaml", folder)
    if program:
        program(folder)
    else:
        (folder / "infra").symlink_to(CHECKOUT / "infra")
    state = folder / "state"
    state.mkdir()
    project = Project(folder, stack, {**environment, "PULUMI_BACKEND_URL": state.as_uri()})
    project.configure(settings)
    project.command("stack", "init")
    return project


def stack_settings(stack: str, cloud: str = "") -> dict[str, Any]:
    """The settings of a stack of the checkout (stacks/Pulumi.<stack>.yaml), or its zones of one cloud only."""
    document = yaml.safe_load((CHECKOUT / "stacks" / f"Pulumi.{stack}.yaml").read_text())
    settings = dict(document["config"])
    zones = [zone for zone in settings["launchway:zones"] if cloud in ("", zone["cloud"])]
    return {**settings, "launchway:zones": zones}


def stacks(cloud: str = "") -> list[str]:
    """The names of the checkout's stacks, or of those with a zone of one cloud.

    A stack that only adds a zone to another's environment (`launchway:environment`) is not among them: it has not
    got zones of all clouds, which is what is checked here. The demo brings it up.
    """
    names = sorted(path.name.split(".")[1] for path in (CHECKOUT / "stacks").glob("Pulumi.*.yaml"))
    settings = {name: stack_settings(name, cloud) for name in names}
    return [
        name
        for name, found in settings.items()
        if found["launchway:zones"] and "launchway:environment" not in found
    ]


def _resources(document: Mapping[str, Any]) -> Iterator[Resource]:
    for entry in document["deployment"].get("resources", []):
        yield Resource(
            urn=entry["urn"],
            type=entry["type"],
            name=entry["urn"].rsplit("::", 1)[1],
            id=entry.get("id", ""),
            provider=entry.get("provider", ""),
            parent=entry.get("parent", ""),
            inputs=entry.get("inputs", {}),
            outputs=entry.get("outputs", {}),
            protect=entry.get("protect", False),
            depends=entry.get("propertyDependencies", {}),
        )


def _outcome(verb: str, done: subprocess.CompletedProcess[str], seconds: float) -> Outcome:
    steps: dict[Key, Step] = {}
    errors: list[str] = []
    for line in done.stdout.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        diagnostic = event.get("diagnosticEvent")
        if diagnostic and diagnostic["severity"] == "error":
            errors.append(diagnostic["message"].strip())
        happened = event.get("resOutputsEvent") or event.get("resOpFailedEvent")
        if happened is None and verb != "refresh":  # a refresh announces every resource, then says what it found
            happened = event.get("resourcePreEvent")
        if happened:
            step = _step(happened["metadata"], "resOpFailedEvent" in event)
            if (step.failed or step.op not in _QUIET) and not (
                step.key in steps and steps[step.key].op == "replace"
            ):
                steps[step.key] = step
    if not errors and done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    return Outcome(verb, done.returncode, seconds, steps, tuple(errors), done.stdout + done.stderr)


def _step(metadata: Mapping[str, Any], failed: bool) -> Step:
    detailed = metadata.get("detailedDiff") or {}
    changed = tuple(sorted(detailed)) or tuple(sorted(metadata.get("diffs") or ()))
    replacing = [path for path, diff in detailed.items() if diff.get("kind", "").endswith("replace")]
    return Step(
        op=metadata["op"],
        type=metadata["type"],
        name=metadata["urn"].rsplit("::", 1)[1],
        changed=changed,
        replacing=tuple(sorted(replacing or metadata.get("keys") or ())),
        failed=failed,
    )
