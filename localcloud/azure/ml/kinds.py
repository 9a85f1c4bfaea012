"""Microsoft.MachineLearningServices: which types there are, and the hooks of each."""

from __future__ import annotations

from localcloud.azure.arm.kinds import Kind
from localcloud.azure.ml import environments, jobs, workspaces

# With `jobs`: azure-resource-manager-schemas at a145443. The previews are what azure-ai-ml 1.35 reads with.
_VERSIONS = (
    *("2022-05-01", "2022-10-01", "2023-04-01", "2023-10-01", "2024-04-01", "2024-10-01"),
    *("2025-04-01", "2025-06-01", "2025-09-01", "2026-03-01", "2026-05-01"),
    *("2022-02-01-preview", "2022-10-01-preview", "2023-02-01-preview", "2023-04-01-preview"),
    *("2023-06-01-preview", "2023-08-01-preview", "2024-01-01-preview", "2024-04-01-preview"),
    *("2024-07-01-preview", "2024-10-01-preview", "2025-01-01-preview"),
)
_SLOW = frozenset({"PUT", "DELETE"})

KINDS = {
    workspaces.WORKSPACES: Kind(
        workspaces.check_workspace,
        workspaces.made_workspace,
        leave=workspaces.leave_workspace,
        gone=workspaces.removed_workspace,
        slow=_SLOW,
        versions=_VERSIONS,
    ),
    workspaces.COMPUTES: Kind(workspaces.check_compute, workspaces.made_compute, slow=_SLOW, versions=_VERSIONS),
    workspaces.DATASTORES: Kind(workspaces.check_datastore, workspaces.made_datastore, versions=_VERSIONS),
    workspaces.RULES: Kind(workspaces.check_rule, workspaces.made_rule, slow=_SLOW, versions=_VERSIONS),
    environments.ENVIRONMENTS: Kind(shown=environments.shown_environment, versions=_VERSIONS),
    environments.VERSIONS: Kind(
        environments.check_version, environments.made_version, versions=_VERSIONS, alone=True
    ),
    jobs.JOBS: Kind(
        jobs.check,
        jobs.made,
        shown=jobs.shown,
        keep=jobs.require_ended,
        leave=jobs.leave,
        actions={"cancel": jobs.cancel},
        listed=jobs.listed,
        slow=frozenset({"DELETE"}),
        versions=_VERSIONS,
    ),
}
