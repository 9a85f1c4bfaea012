"""What somebody changes behind Pulumi's back is seen by a refresh and healed by the next up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.clients import google
from tests.engine.ground import Ground, views
from tests.engine.life import inspect
from tests.engine.project import Project
from tests.engine.security.gcp.view import View

pytestmark = pytest.mark.engine


def _patch(view: View, service: str, path: str, body: dict[str, Any], **query: str) -> None:
    google(view.cloud, service, path, query, body, "PATCH")


def _acls_count(view: View) -> None:
    access = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}}}
    _patch(view, "storage", f"/storage/v1/b/{view.zone.buckets.data.name}", access)


def _public_access_is_possible(view: View) -> None:
    access = {"iamConfiguration": {"publicAccessPrevention": "inherited"}}
    _patch(view, "storage", f"/storage/v1/b/{view.zone.buckets.output.name}", access)


def _no_versions(view: View) -> None:
    name = view.zone.buckets.checkpoints.name
    _patch(view, "storage", f"/storage/v1/b/{name}", {"versioning": {"enabled": False}})


def _no_rotation(view: View) -> None:
    _patch(view, "cloudkms", f"/v1/{view.zone.keys.data}", {}, updateMask="rotationPeriod,nextRotationTime")


def _tags_can_move(view: View) -> None:
    wanted = {"dockerConfig": {"immutableTags": False}}
    _patch(view, "artifactregistry", f"/v1/{view.zone.registry.id}", wanted, updateMask="dockerConfig")


def _flows_leave_no_trace(view: View) -> None:
    subnetwork = view.get("compute", f"/compute/v1/{view.zone.network.ids.subnetwork}")
    wanted = {"fingerprint": subnetwork["fingerprint"], "logConfig": {"enable": False}}
    _patch(view, "compute", f"/compute/v1/{view.zone.network.ids.subnetwork}", wanted)


def _the_agent_is_anybody(view: View) -> None:
    name = f"/v1/{view.project}/serviceAccounts/{view.zone.identities.agent}"
    policy = google(view.cloud, "iam", f"{name}:getIamPolicy", body={"options": {}})
    google(view.cloud, "iam", f"{name}:setIamPolicy", body={"policy": {**policy, "bindings": []}})


# What is done to the zone -> the type of the resource that must show it.
DRIFTS: dict[Callable[[View], None], str] = {
    _acls_count: "gcp:storage/bucket:Bucket",
    _public_access_is_possible: "gcp:storage/bucket:Bucket",
    _no_versions: "gcp:storage/bucket:Bucket",
    _no_rotation: "gcp:kms/cryptoKey:CryptoKey",
    _tags_can_move: "gcp:artifactregistry/repository:Repository",
    _flows_leave_no_trace: "gcp:compute/subnetwork:Subnetwork",
    _the_agent_is_anybody: "gcp:serviceaccount/iAMMember:IAMMember",
}


def test_a_refresh_sees_every_drift_and_up_heals_all_of_them(shared: Ground, local: Project) -> None:
    (view,) = views(shared, local)
    for drift in DRIFTS:
        drift(view)
    assert any(inspect(shared, local).values())

    planned = local.preview("--refresh")
    seen = local.refresh()
    touched = sorted(kind for kind, _ in seen.steps if kind.startswith("gcp:"))
    assert touched == sorted(DRIFTS.values())
    assert len([kind for kind, _ in planned.steps if kind.startswith("gcp:")]) >= len(DRIFTS)

    healed = local.up()
    assert sorted(kind for kind, _ in healed.steps if kind.startswith("gcp:")) == sorted(DRIFTS.values())
    complaints = {name: said for name, said in inspect(shared, local).items() if said}
    assert complaints == {}
    assert local.preview("--expect-no-changes").changes == {}
