"""The Google package behind the protocol: projects, labels, deletion policies; the rest is shared (bridged.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from localcloud.plugin.bridged import Bridged
from localcloud.plugin.diff import Change, Difference
from localcloud.plugin.gcp.registry import REGISTRY
from localcloud.plugin.gcp.session import ATTRIBUTION, ApiError, Gcp, Settings
from localcloud.plugin.provider import ProviderError, Subject
from localcloud.plugin.schema import Table
from localcloud.plugin.values import UNKNOWN, Properties, has_unknown

DATA = Path(__file__).parent / "data"


class GcpProvider(Bridged[Gcp]):
    """Implements localcloud.plugin.provider.Provider."""

    data = DATA
    registry = REGISTRY

    def connect(self, config: Properties) -> Gcp:
        return Gcp(Settings.read(config, self.settings["properties"]))

    def telling(self, doing: str) -> AbstractContextManager[None]:
        return _telling(doing)

    def placed(self, definition: Table, inputs: Properties, state: Properties) -> Properties:
        """Inputs with what the provider's CustomizeDiff functions fill in (`planned` in the table)."""
        added: Properties = {}
        settings = self.connection.settings
        if "DefaultProviderProject" in definition["planned"] and settings.project:
            added["project"] = settings.project
        if "DefaultProviderDeletionPolicy" in definition["planned"]:
            added["deletionPolicy"] = settings.deletion_policy or "DELETE"
        placed = {**added, **{name: value for name, value in inputs.items() if value is not None}}
        if inputs and "effectiveLabels" in definition["properties"]:
            placed["effectiveLabels"] = self._effective(definition, inputs, state)
        return placed

    def _effective(self, definition: Table, inputs: Properties, state: Properties) -> Properties:
        """All labels there will be: those that somebody else put there stay."""
        wanted = self._labels(definition, inputs.get("labels"), state)
        managed, now = state.get("pulumiLabels") or {}, state.get("effectiveLabels") or {}
        return {key: value for key, value in now.items() if key not in managed or key in wanted} | wanted

    def _labels(self, definition: Table, own: Any, state: Properties) -> Properties:
        """The provider's labels below the resource's own; UNKNOWN inside stays (SetLabelsDiff)."""
        settings = self.connection.settings
        labels: Properties = dict(settings.default_labels)
        marked = "SetLabelsDiffWithoutAttributionLabel" not in definition["planned"] and settings.attribution
        present = state.get("effectiveLabels") or {}
        if marked and (settings.attribution == "PROACTIVE" or not state or ATTRIBUTION in present):
            labels[ATTRIBUTION] = "true"
        if own is UNKNOWN:
            return {"": UNKNOWN}
        return labels | dict(own or {})

    def diff(self, subject: Subject, state: Properties, news: Properties, ignored: list[str]) -> Difference:
        definition = self.definition(subject.token)
        found = super().diff(subject, state, news, ignored)
        if "effectiveLabels" not in definition["properties"] or "labels" in ignored:
            return found
        if self._effective(definition, news, state) == (state.get("effectiveLabels") or {}):
            return found
        change = Change(("effectiveLabels",), "update", False)
        return Difference((*found.changes, change), found.delete_first)

    def foreseen(self, definition: Table, outputs: Properties, inputs: Properties) -> Properties:
        if "effectiveLabels" in definition["properties"]:
            effective = inputs["effectiveLabels"]
            unknown = has_unknown(effective)
            ours = {*self.connection.settings.default_labels, *(inputs.get("labels") or {}), ATTRIBUTION}
            outputs["effectiveLabels"] = UNKNOWN if unknown else effective
            outputs["pulumiLabels"] = UNKNOWN if unknown else {k: v for k, v in effective.items() if k in ours}
        return outputs

    def completed(self, definition: Table, found: Properties, known: Properties) -> Properties:
        """Labels parted into the program's, the provider's and all that are there."""
        if "effectiveLabels" in definition["properties"]:
            there = found.get("effectiveLabels") or {}
            own = known.get("labels") or {}
            managed = known.get("pulumiLabels")
            if managed is None:
                managed = self._labels(definition, own, {}) if known else {}
            found = {
                **found,
                "effectiveLabels": there,
                "labels": {key: value for key, value in there.items() if key in own},
                "pulumiLabels": {key: value for key, value in there.items() if key in {**managed, **own}},
            }
        if "deletionPolicy" in definition["properties"] and not known.get("deletionPolicy"):
            found = {**found, "deletionPolicy": self.connection.settings.deletion_policy or "DELETE"}
        return found


@contextmanager
def _telling(doing: str) -> Iterator[None]:
    """Turns an API's error into the provider's words: `Error creating Firewall: googleapi: Error 409: ...`."""
    try:
        yield
    except ApiError as error:
        raise ProviderError(f"Error {doing}: {error}") from error
