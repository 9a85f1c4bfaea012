"""Every type lives its whole life on the local APIs: made, read, changed, found drifted, imported, removed."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from localcloud.plugin.derive import sdk
from localcloud.plugin.gcp.provider import GcpProvider
from localcloud.plugin.gcp.registry import REGISTRY
from localcloud.plugin.gcp.rest import table
from localcloud.plugin.provider import ProviderError, Subject
from localcloud.plugin.schema import DEFAULTS
from localcloud.plugin.values import UNKNOWN
from tests.plugin.gcp.lives import LIVES
from tests.plugin.gcp.local import Local
from tests.plugin.kinds import typed

P = "launchway-local"
# Google never takes these away: the provider only forgets them.
LASTING = ("KeyRing", "CryptoKey", "Service", "ServiceIdentity", "ProjectBucketConfig", "VpcServiceControls")


class Stage:
    """Makes resources out of LIVES, with those they refer to."""

    def __init__(self, local: Local, provider: GcpProvider) -> None:
        self.local, self.provider = local, provider
        self.made: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}

    def token(self, short: str) -> str:
        return next(token for token in LIVES if token.endswith(f":{short}"))

    def resolve(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        return re.sub(r"\$(\w+)(?:\.(\w+))?", lambda found: self.refer(found[1], found[2]), value)

    def refer(self, short: str, output: str | None) -> str:
        id, _, outputs = self.make(self.token(short))
        return str(outputs[output]) if output else id

    def checked(self, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in inputs.items() if value is not None}
        checked = self.provider.check(Subject(token, "x"), {}, given, b"seed", None)
        assert checked.failures == ()
        return checked.inputs

    def make(self, token: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
        if token not in self.made:
            if token.endswith(":Connection"):
                self.ranges()
            inputs = self.checked(token, self.resolve(LIVES[token][0]))
            id, outputs = self.provider.create(Subject(token, "x"), inputs)
            self.made[token] = id, inputs, outputs
        return self.made[token]

    def ranges(self) -> None:
        """Addresses set aside for a peering."""
        network = self.refer("Network", None)
        for i, name in enumerate(("jobs", "more")):
            body: dict[str, Any] = {"name": name, "purpose": "VPC_PEERING", "addressType": "INTERNAL"}
            body |= {"network": network, "address": f"10.{64 + i}.0.0", "prefixLength": 16}
            status, _ = self.local.ask("POST", f"compute/compute/v1/projects/{P}/global/addresses", body)
            assert status == 200

    def unchanged(self, token: str, state: dict[str, Any], inputs: dict[str, Any]) -> None:
        assert self.provider.diff(Subject(token, "x"), state, inputs, []).changes == ()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    local = Local(tmp_path)
    return Stage(local, local.provider(default_labels={"owner": "ml"}))


def test_every_type_has_its_life_here() -> None:
    assert LIVES.keys() == table().keys()


@pytest.mark.parametrize("token", LIVES)
def test_it_is_made_read_changed_and_removed(stage: Stage, token: str) -> None:
    id, inputs, outputs = stage.make(token)
    assert id
    stage.unchanged(token, outputs, inputs)
    assert outputs["id"] == id
    typed(table()[token]["properties"], outputs)

    subject = Subject(token, "x", id)
    found = stage.provider.read(subject, inputs, outputs)
    assert found is not None
    assert (found.id, found.inputs) == (id, inputs)
    assert found.outputs.keys() == outputs.keys()

    if not token.endswith(":ServiceIdentity"):  # no API tells one again
        imported = stage.provider.read(Subject(token, "x", import_id(id, inputs)), {}, {})
        assert imported is not None
        assert imported.id == id
        assert stage.provider.check(subject, {}, imported.inputs, b"seed", None).failures == ()

    if LIVES[token][1]:
        wanted = stage.checked(token, stage.resolve({**LIVES[token][0], **LIVES[token][1]}))
        assert not any(change.replace for change in stage.provider.diff(subject, outputs, wanted, []).changes)
        outputs = stage.provider.update(subject, outputs, wanted)
        stage.unchanged(token, outputs, wanted)
        again = stage.provider.read(subject, wanted, outputs)
        assert again is not None
        stage.unchanged(token, again.outputs, wanted)
        inputs = wanted

    stage.provider.delete(subject, inputs, outputs)
    if not token.endswith(tuple(f":{name}" for name in LASTING)):
        assert stage.provider.read(subject, inputs, outputs) is None
        if "WorkloadIdentityPool" not in token:  # IAM still has it for 30 days, and knows that it is deleted
            stage.provider.delete(subject, inputs, outputs)  # gone already is as good as deleted


def import_id(id: str, inputs: dict[str, Any]) -> str:
    """What a user of `pulumi import` has to give: the provider's own form where it is not the id."""
    condition = inputs.get("condition")
    return f"{P} {inputs['role']} {inputs['member']} {condition['title']}" if condition else id


@pytest.mark.parametrize("token", LIVES)
def test_before_it_is_made_its_plan_knows_what_the_program_says(stage: Stage, token: str) -> None:
    inputs = stage.checked(token, stage.resolve(LIVES[token][0]))
    planned = stage.provider.preview(Subject(token, "x"), inputs, {})
    for name in inputs.keys() - {DEFAULTS}:
        assert planned[name] is not UNKNOWN
    _, _, outputs = stage.make(token)
    known = {name for name, value in planned.items() if value not in (UNKNOWN, None) and name in outputs}
    if "DefaultProviderProject" in table()[token]["planned"]:
        assert "project" in known


def test_operations_that_take_their_time_are_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localcloud.plugin.gcp.session.PAUSE", 0)
    stage.local.slow(3)
    id, _, _ = stage.make("gcp:artifactregistry/repository:Repository")
    stage.make("gcp:compute/subnetwork:Subnetwork")
    polls = [path for method, path, _ in stage.local.calls if method == "GET" and "/operations/" in path]
    assert len(polls) == 3 * 4  # the registry's, the network's, its default route's, the subnetwork's
    assert id.endswith("/repositories/images")


def test_a_bucket_that_is_not_empty_stays_unless_it_is_told_to_go(stage: Stage) -> None:
    token = "gcp:storage/bucket:Bucket"
    id, inputs, outputs = stage.make(token)
    upload = f"storage/upload/storage/v1/b/{id}/o?uploadType=media&name=k"
    assert stage.local.ask("POST", upload, {})[0] == 200
    subject = Subject(token, "x", id)
    with pytest.raises(ProviderError, match="without `force_destroy` set to true"):
        stage.provider.delete(subject, inputs, outputs)
    stage.provider.delete(subject, inputs, {**outputs, "forceDestroy": True})
    assert stage.provider.read(subject, inputs, outputs) is None


@pytest.mark.parametrize(
    "short",
    ["Bucket", "Repository", "CryptoKey", "Network", "RouterNat", "Account", "IAMCustomRole", "ProjectSink"],
)
def test_what_is_to_stay_is_not_deleted(stage: Stage, short: str) -> None:
    token = stage.token(short)
    id, inputs, outputs = stage.make(token)
    subject = Subject(token, "x", id)
    stage.local.calls.clear()
    with pytest.raises(ProviderError, match='without setting deletion_policy="DELETE"'):
        stage.provider.delete(subject, inputs, {**outputs, "deletionPolicy": "PREVENT"})
    stage.provider.delete(subject, inputs, {**outputs, "deletionPolicy": "ABANDON"})
    assert stage.local.calls == []
    assert stage.provider.read(subject, inputs, outputs) is not None


def test_a_name_that_is_taken_is_refused_and_not_taken_over(stage: Stage) -> None:
    for short in ("Bucket", "KeyRing", "CryptoKey", "Repository", "Network", "Account", "ManagedZone"):
        token = stage.token(short)
        _, inputs, _ = stage.make(token)
        with pytest.raises(ProviderError, match="googleapi: Error 409"):
            stage.provider.create(Subject(token, "y"), inputs)


def test_a_role_of_a_deleted_id_is_undeleted(stage: Stage) -> None:
    token = stage.token("IAMCustomRole")
    id, inputs, outputs = stage.make(token)
    stage.provider.delete(Subject(token, "x", id), inputs, outputs)
    again, outputs = stage.provider.create(Subject(token, "x"), {**inputs, "title": "new"})
    assert (again, outputs["title"], outputs["deleted"]) == (id, "new", False)


def test_a_key_is_destroyed_version_by_version_and_keeps_its_name(stage: Stage) -> None:
    token = stage.token("CryptoKey")
    id, inputs, outputs = stage.make(token)
    stage.provider.delete(Subject(token, "x", id), inputs, outputs)
    _, versions = stage.local.ask("GET", f"cloudkms/v1/{id}/cryptoKeyVersions")
    assert {one["state"] for one in versions["cryptoKeyVersions"]} == {"DESTROY_SCHEDULED"}
    assert "rotationPeriod" not in stage.local.ask("GET", f"cloudkms/v1/{id}")[1]


def test_the_default_route_goes_when_it_is_not_wanted(stage: Stage) -> None:
    stage.make("gcp:compute/network:Network")
    assert stage.local.ask("GET", f"compute/compute/v1/projects/{P}/global/routes")[1]["items"] == []


def test_labels_of_others_stay_when_our_own_change(stage: Stage) -> None:
    token = "gcp:storage/bucket:Bucket"
    id, inputs, outputs = stage.make(token)
    assert outputs["labels"] == {"a": "1"}
    assert outputs["pulumiLabels"] == {"a": "1", "owner": "ml", "goog-pulumi-provisioned": "true"}
    stage.local.ask("PATCH", f"storage/storage/v1/b/{id}", {"labels": {"theirs": "x"}})
    found = stage.provider.read(Subject(token, "x", id), inputs, outputs)
    assert found is not None
    assert (found.inputs, found.outputs["effectiveLabels"]["theirs"]) == (inputs, "x")
    outputs = stage.provider.update(Subject(token, "x", id), found.outputs, {**inputs, "labels": {"b": "2"}})
    assert outputs["effectiveLabels"].keys() == {"b", "owner", "theirs", "goog-pulumi-provisioned"}


@pytest.mark.parametrize(
    "written", [{"authToken": "xoxb-1"}, {"authTokenWo": "xoxb-1", "authTokenWoVersion": "1"}]
)
def test_a_secret_label_of_a_channel_is_sent_among_the_others_and_kept_out_of_them(
    stage: Stage, written: dict[str, str]
) -> None:
    token = stage.token("NotificationChannel")
    wanted = {"type": "slack", "labels": {"channel_name": "#ml"}, "sensitiveLabels": written}
    inputs = stage.checked(token, wanted)
    id, outputs = stage.provider.create(Subject(token, "x"), inputs)
    (sent,) = [body for method, _, body in stage.local.calls if method == "POST"]
    assert sent["labels"] == {"channel_name": "#ml", "auth_token": "xoxb-1"}
    assert "sensitiveLabels" not in sent
    assert outputs["labels"] == {"channel_name": "#ml"}
    found = stage.provider.read(Subject(token, "x", id), inputs, outputs)
    assert found is not None
    assert (found.inputs, found.outputs) == (inputs, outputs)
    stage.unchanged(token, found.outputs, inputs)


def test_a_channel_that_says_a_secret_among_its_labels_finds_no_difference(stage: Stage) -> None:
    token = stage.token("NotificationChannel")
    labels = {"channel_name": "#ml", "auth_token": "xoxb-1"}
    inputs = stage.checked(token, {"type": "slack", "labels": labels})
    id, outputs = stage.provider.create(Subject(token, "x"), inputs)
    found = stage.provider.read(Subject(token, "x", id), inputs, outputs)
    assert found is not None
    assert (found.inputs, found.outputs["labels"]) == (inputs, labels)


def test_labels_that_have_no_whole_beside_them_are_changed_themselves(stage: Stage) -> None:
    token = stage.token("NotificationChannel")
    id, inputs, outputs = stage.make(token)
    wanted = {**inputs, "labels": {"email_address": "ops@example.org"}}
    outputs = stage.provider.update(Subject(token, "x", id), outputs, wanted)
    assert stage.local.ask("GET", f"monitoring/v3/{id}")[1]["labels"] == wanted["labels"] == outputs["labels"]


def test_a_default_label_that_changes_changes_what_has_it(stage: Stage) -> None:
    token = "gcp:storage/bucket:Bucket"
    _, inputs, outputs = stage.make(token)
    other = stage.local.provider(default_labels={"owner": "ops"})
    changes = other.diff(Subject(token, "x"), outputs, inputs, []).changes
    assert [(change.path, change.replace) for change in changes] == [(("effectiveLabels",), False)]


def test_a_member_that_somebody_else_writes_beside_is_kept(stage: Stage) -> None:
    token = stage.token("BucketIAMMember")
    id, inputs, outputs = stage.make(token)
    other = {**inputs, "member": "user:a@example.org"}
    stage.provider.create(Subject(token, "y"), other)
    stage.provider.delete(Subject(token, "x", id), inputs, outputs)
    bindings = stage.local.ask("GET", "storage/storage/v1/b/data-1/iam")[1]["bindings"]
    members = {one["role"]: one["members"] for one in bindings}
    assert members["roles/storage.objectViewer"] == ["user:a@example.org"]


LOOKUPS: list[tuple[str, dict[str, Any]]] = [
    ("artifactregistry/getRepository:getRepository", {"location": "us-central1", "repositoryId": "=Repository"}),
    ("compute/getGlobalAddress:getGlobalAddress", {"name": "=GlobalAddress"}),
    ("compute/getNetwork:getNetwork", {"name": "=Network"}),
    ("compute/getNetworkAttachment:getNetworkAttachment", {"name": "=NetworkAttachment", "region": "us-central1"}),
    ("compute/getSubnetwork:getSubnetwork", {"selfLink": "$Subnetwork.selfLink"}),
    (
        "iam/getWorkloadIdentityPoolProvider:getWorkloadIdentityPoolProvider",
        {"workloadIdentityPoolId": "ci-pool", "workloadIdentityPoolProviderId": "=WorkloadIdentityPoolProvider"},
    ),
    ("kms/getKMSCryptoKey:getKMSCryptoKey", {"keyRing": "$KeyRing", "name": "=CryptoKey"}),
    ("kms/getKMSKeyRing:getKMSKeyRing", {"location": "us-central1", "name": "=KeyRing"}),
    ("logging/getProjectCmekSettings:getProjectCmekSettings", {"project": P}),
    ("organizations/getClientOpenIdUserInfo:getClientOpenIdUserInfo", {}),
    ("organizations/getProject:getProject", {"projectId": P}),
    ("projects/getProjectService:getProjectService", {"service": "storage.googleapis.com"}),
    ("serviceaccount/getAccount:getAccount", {"accountId": "$Account.accountId"}),
    ("storage/getBucket:getBucket", {"name": "=Bucket"}),
    ("storage/getProjectServiceAccount:getProjectServiceAccount", {}),
]


def invokes() -> dict[str, Any]:
    modules = {name for names in REGISTRY.modules.values() for name in names}
    served = [importlib.import_module(f"{REGISTRY.package}.{name}") for name in modules]
    return {token: call for module in served for token, call in getattr(module, "INVOKES", {}).items()}


def test_every_invoke_is_asked_here() -> None:
    assert invokes().keys() == {f"gcp:{token}" for token, _ in LOOKUPS}


@pytest.mark.parametrize(("token", "arguments"), LOOKUPS)
def test_an_invoke_answers_with_what_the_sdk_reads(stage: Stage, token: str, arguments: dict[str, Any]) -> None:
    asked = {
        name: stage.refer(value[1:], None).rpartition("/")[2] if str(value)[:1] == "=" else stage.resolve(value)
        for name, value in arguments.items()
    }
    result, failures = stage.provider.invoke(f"gcp:{token}", asked)
    assert failures == ()
    name = token.rsplit(":", 1)[1]
    wanted = sdk.classes(sdk.token_file(f"gcp:{token}"))[f"{name[0].upper()}{name[1:]}Result"]
    assert result.keys() == wanted.keys()
    for key, shape in wanted.items():
        value = result[key]
        assert value is None or isinstance(value, list) == (shape.kind == "list"), key


def test_an_argument_that_no_invoke_takes_is_refused(stage: Stage) -> None:
    _, failures = stage.provider.invoke("gcp:storage/getBucket:getBucket", {"name": "a", "colour": "red"})
    assert [failure.property for failure in failures] == ["colour"]


@pytest.mark.parametrize(
    ("token", "arguments"),
    [
        ("gcp:compute/getNetwork:getNetwork", {"name": "none"}),
        ("gcp:storage/getBucket:getBucket", {"name": "none"}),
        ("gcp:organizations/getProject:getProject", {"projectId": "not-ours"}),
        ("gcp:paint/getColour:getColour", {}),
    ],
)
def test_looking_up_what_is_not_there_is_an_error(stage: Stage, token: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ProviderError):
        stage.provider.invoke(token, arguments)
