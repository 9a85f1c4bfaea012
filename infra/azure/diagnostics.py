"""Who writes to the records: a diagnostic setting for everything that can tell of itself, by a table."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import pulumi
import yaml
from pulumi_azure_native import monitor

from infra.azure.site import Site

SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Watched:
    """Something to be recorded: its `kind` (a row of data/diagnostics.yaml) and its resource `id`.

    `archived`: its records go to the archive too, when there is one.
    """

    kind: str
    id: pulumi.Input[str]
    archived: bool = True


@dataclass(frozen=True, slots=True)
class Telling:
    """What a kind of resource tells: categories of logs (in groups or single) and of metrics."""

    groups: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


@functools.cache
def table() -> Mapping[str, Telling]:
    """What each kind of resource can tell, by its type; SUBSCRIPTION is one of them."""
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/diagnostics.yaml").read_text())
    return {
        kind: Telling(**{part: tuple(categories) for part, categories in facts.items()})
        for kind, facts in data["kinds"].items()
    }


@functools.cache
def silent() -> Mapping[str, str]:
    """What a zone declares that has no setting of its own, by type in Pulumi's words, and why."""
    data = yaml.safe_load(resources.files("infra.azure").joinpath("data/diagnostics.yaml").read_text())
    reasons: Mapping[str, str] = data["silent"]
    return reasons


@dataclass(frozen=True, slots=True)
class DiagnosticsArgs:
    """`targets` by use. What they tell goes to `log_analytics` and, when there is one, to the `archive` (ids)."""

    site: Site
    log_analytics: pulumi.Output[str]
    targets: Mapping[str, Watched]
    archive: pulumi.Output[str] | None = None


class Diagnostics(pulumi.ComponentResource):
    """One diagnostic setting for each target."""

    def __init__(self, name: str, args: DiagnosticsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("launchway:azure:Diagnostics", name, None, opts)
        for use, target in args.targets.items():
            told = table()[target.kind]
            logs = [
                monitor.DiagnosticsLogSettingsArgs(category_group=group, enabled=True) for group in told.groups
            ]
            logs += [monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in told.logs]
            monitor.DiagnosticSetting(
                args.site.name("audit", f"{use}-diagnostics"),
                name=args.site.place.physical("setting", "records"),
                resource_uri=target.id,
                workspace_id=args.log_analytics,
                storage_account_id=args.archive if target.archived else None,
                logs=logs,
                metrics=[{"category": category, "enabled": True} for category in told.metrics],
                opts=args.site.child(self),
            )
        self.register_outputs({})
