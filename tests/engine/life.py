"""One stack's whole life on a cloud of its own, as a record that tests of both lanes only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.engine.altered import altered, meets
from tests.engine.census import census
from tests.engine.ground import Ground, views
from tests.engine.project import Key, Outcome, Project, Resource, stack_settings
from tests.engine.security import complaints

Settings = dict[str, Any]
Changes = Mapping[str, Sequence[Mapping[str, Any]]]


def grown(settings: Settings) -> Settings:
    """The update of every life: another owner (a label on everything) and one more instance type in each zone."""
    more = {"aws": "ml.m5.4xlarge", "gcp": "n2-standard-16", "azure": "Standard_D16s_v3"}
    zones = []
    for zone in settings["launchway:zones"]:
        offered = [one["instance"] for one in zone.get("compute", [])]
        allowed = dict.fromkeys([*zone.get("instanceTypes", []), *offered, more[zone["cloud"]]])
        zones.append({**zone, "instanceTypes": list(allowed)})
    return {**settings, "launchway:owner": "ml-research", "launchway:zones": zones}


@dataclass(frozen=True)
class Life:
    """What happened, in order, and what there was to see on the way.

    A step that fails is the last one of its life; later ones are missing from `steps`.
    """

    stack: str
    steps: Mapping[str, Outcome]
    state: Mapping[Key, Resource]
    outputs: Mapping[str, Any]
    complaints: Mapping[str, Sequence[str]]
    plans: Mapping[str, Outcome]
    left: Mapping[str, Sequence[str]]

    def table(self) -> str:
        """The steps with what they did and how long they took, for people."""
        rows = [f"{'step':16} {'exit':>4} {'seconds':>8}  resources"]
        for name, step in self.steps.items():
            ops = [op for op in ("create", "update", "replace", "delete") if step.names(op)]
            done = ", ".join(f"{len(step.names(op))} {op}" for op in ops) or "no change"
            rows.append(f"{name:16} {step.code:4} {step.seconds:8.1f}  {done}")
        return "\n".join(rows)

    def step(self, name: str) -> Outcome:
        """A step that went well; fails with what went wrong, in it or before it."""
        last = list(self.steps.values())[-1]
        assert name in self.steps, f"{self.stack} never came to `{name}`: {last.verb}: {last.message}"
        assert self.steps[name].code == 0, self.steps[name].message
        return self.steps[name]


def live(
    ground: Ground,
    stack: str,
    update: Callable[[Settings], Settings],
    changes: Changes | None = None,
    again: bool = False,
    cloud: str = "",
) -> Life:
    """Up, empty plan, refresh, planned changes, update, empty plan, destroy; and up and destroy `again`.

    `update` gives the settings of the update; each entry of `changes` is planned while the stack is as first made.
    With a `cloud`, only the zones of that cloud live.
    Destroying a durable stack takes off the protection first, as its refusal tells people to.
    """
    project = ground.project(stack, stack_settings(stack, cloud))
    steps: dict[str, Outcome] = {}

    def go(name: str, step: Callable[..., Outcome], *options: str) -> bool:
        if all(before.code == 0 for before in steps.values()):
            steps[name] = step(*options, check=False)
        return name in steps and steps[name].code == 0

    state: Mapping[Key, Resource] = {}
    outputs: Mapping[str, Any] = {}
    said: dict[str, list[str]] = {}
    plans: dict[str, Outcome] = {}
    left: Mapping[str, Sequence[str]] = {}
    go("preview", project.preview)
    if go("up", project.up):
        state, outputs = project.export(), project.outputs()
        said = inspect(ground, project)
        go("preview again", project.preview, "--expect-no-changes")
        go("refresh", project.refresh, "--expect-no-changes")
        for name, table in (changes or {}).items():
            if wanted := [change for change in table if meets(change, state)]:
                other = altered(project, wanted, ground.folder / f"altered-{name}")
                plans[name] = other.preview(check=False)
        project.configure(update(project.settings))
        go("update", project.up)
        go("preview updated", project.preview, "--expect-no-changes")
        project.command("state", "unprotect", "--all", "--yes")
        if go("destroy", project.destroy):
            left = _left(ground, outputs)
        if again:
            go("up again", project.up)
            project.command("state", "unprotect", "--all", "--yes")
            go("destroy again", project.destroy)
    return Life(stack, steps, state, outputs, said, plans, left)


def inspect(ground: Ground, project: Project) -> dict[str, list[str]]:
    """What the security checks say about every zone of a stack that is up: `{check: sentences}`."""
    said: dict[str, list[str]] = {}
    for view in views(ground, project):
        for name, sentences in complaints(view).items():
            said.setdefault(name, []).extend(sentences)
    return said


def _left(ground: Ground, outputs: Mapping[str, Any]) -> dict[str, list[str]]:
    places = {(zone["cloud"], zone["region"]) for zone in outputs["contract"]["zones"].values()}
    return {
        f"{region} {what}": ids
        for cloud, region in places
        for what, ids in census(ground.cloud, cloud, region).items()
    }
