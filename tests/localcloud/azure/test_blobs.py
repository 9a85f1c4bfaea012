"""Blobs over the service's own protocol, and the secrets of a vault over its."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from localcloud.azure.arm import authorization
from localcloud.azure.blob import access
from localcloud.azure.blob.containers import Containers
from localcloud.azure.settings import Settings
from localcloud.azure.tokens import Tokens
from localcloud.server.wire import Answer
from tests.localcloud.azure.inside import (
    ACCOUNT,
    BODIES,
    GROUP,
    IDENTITY,
    SUBSCRIPTION_ID,
    VAULT,
    WORKSPACE,
    Json,
    Local,
)  # fmt: skip

CONTAINER = f"{ACCOUNT}/blobServices/default/containers/data"


@pytest.fixture
def blobs(rich: Local) -> Local:
    """An account with an empty container `data`."""
    rich.made(CONTAINER, {"properties": {}})
    return rich


def put(azure: Local, name: str, content: bytes, **headers: str) -> Answer:
    return azure.call("PUT", f"/blob/acct/data/{name}", content, **({"x_ms_blob_type": "BlockBlob"} | headers))


def get(azure: Local, name: str, **headers: str) -> Answer:
    return azure.call("GET", f"/blob/acct/data/{name}", **headers)


def code(answer: Answer) -> str:
    """The error code of an answer, which its header repeats."""
    found = ET.fromstring(answer.body.decode().lstrip("\ufeff")).findtext("Code")
    assert found == dict(answer.headers)["x-ms-error-code"]
    return str(found)


def names(azure: Local, query: str = "") -> tuple[list[str], str]:
    """Names and folders of a list, and where the next page begins."""
    answer = azure.call("GET", f"/blob/acct/data?restype=container&comp=list{query}")
    root = ET.fromstring(answer.body.decode().lstrip("\ufeff"))
    return [str(one.text) for one in root.iter("Name")], str(root.findtext("NextMarker") or "")


def test_a_blob_is_read_as_it_was_written(blobs: Local) -> None:
    digest = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    made = put(blobs, "a/b.txt", b"hello", content_type="text/plain", x_ms_meta_owner="me", content_md5=digest)
    assert made.status == 201
    answer = get(blobs, "a/b.txt")
    headers = dict(answer.headers)
    assert (answer.status, answer.body) == (200, b"hello")
    assert (headers["Content-Type"], headers["x-ms-meta-owner"]) == ("text/plain", "me")
    assert (headers["ETag"], headers["Content-MD5"]) == (dict(made.headers)["ETag"], digest)
    head = blobs.call("HEAD", "/blob/acct/data/a/b.txt")
    assert (head.status, dict(head.headers)["Content-Length"], head.body) == (200, "5", b"")


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [
        ("bytes=1-3", 206, b"ell"),
        ("bytes=3-", 206, b"lo"),
        ("bytes=0-99", 206, b"hello"),
        ("bytes=5-", 416, None),
        ("bytes=-2", 416, None),
    ],
)
def test_a_part_of_a_blob_can_be_read(blobs: Local, wanted: str, status: int, body: bytes | None) -> None:
    put(blobs, "a", b"hello")
    answer = get(blobs, "a", range=wanted)
    assert answer.status == status
    if body is None:
        assert code(answer) == "InvalidRange"
    else:
        assert answer.body == body
        assert dict(answer.headers)["Content-Range"].endswith("/5")


def test_a_blob_is_built_of_blocks(blobs: Local) -> None:
    ids = [base64.b64encode(name).decode() for name in (b"one", b"two")]
    for id, content in zip(ids, (b"he", b"llo"), strict=True):
        assert blobs.call("PUT", f"/blob/acct/data/a?comp=block&blockid={id}", content).status == 201
    assert get(blobs, "a").status == 404
    listed = "".join(f"<Latest>{id}</Latest>" for id in ids)
    body = f"<BlockList>{listed}</BlockList>".encode()
    assert blobs.call("PUT", "/blob/acct/data/a?comp=blocklist", body).status == 201
    assert get(blobs, "a").body == b"hello"
    assert code(blobs.call("PUT", "/blob/acct/data/a?comp=blocklist", body)) == "InvalidBlockList"


def test_conditions_guard_a_blob(blobs: Local) -> None:
    etag = dict(put(blobs, "a", b"1").headers)["ETag"]
    assert code(put(blobs, "a", b"2", if_none_match="*")) == "BlobAlreadyExists"
    assert put(blobs, "a", b"2", if_match=etag).status == 201
    assert code(put(blobs, "a", b"3", if_match=etag)) == "ConditionNotMet"
    assert get(blobs, "a", if_none_match=dict(get(blobs, "a").headers)["ETag"]).status == 304


def test_lists_have_folders_and_pages(blobs: Local) -> None:
    for name in ("a/1", "a/2", "b", "c/x y"):
        put(blobs, name.replace(" ", "%20"), b"")
    assert names(blobs)[0] == ["a/1", "a/2", "b", "c/x y"]
    assert names(blobs, "&delimiter=/")[0] == ["a/", "b", "c/"]
    assert names(blobs, "&prefix=a/")[0] == ["a/1", "a/2"]
    first, marker = names(blobs, "&maxresults=3")
    assert (first, names(blobs, f"&maxresults=3&marker={marker}")) == (["a/1", "a/2", "b"], (["c/x y"], ""))


def test_what_lies_in_the_directory_of_a_container_is_a_blob(blobs: Local, tmp_path: Path) -> None:
    folder = blobs.state.store(Containers).root / "acct" / "data" / "job"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    assert get(blobs, "job/model.bin").body == b"weights"
    assert blobs.call("DELETE", "/blob/acct/data/job/model.bin").status == 202
    assert not folder.exists()


@pytest.mark.parametrize(
    ("method", "path", "status", "right"),
    [
        ("GET", "acct/data/none", 404, "BlobNotFound"),
        ("GET", "acct/none/x", 404, "ContainerNotFound"),
        ("GET", "nobody/data/x", 404, "ResourceNotFound"),
        ("PUT", "acct/data/x", 400, "InvalidHeaderValue"),
        ("PUT", "acct/data/x?comp=block&blockid=%21", 400, "InvalidQueryParameterValue"),
        ("GET", "acct/data?restype=container&comp=list&maxresults=0", 400, "OutOfRangeQueryParameterValue"),
        ("PUT", "acct/data?restype=container", 409, "ContainerAlreadyExists"),
    ],
)
def test_a_refusal_is_in_the_service_s_xml(blobs: Local, method: str, path: str, status: int, right: str) -> None:
    answer = blobs.call(method, f"/blob/{path}", b"" if method == "PUT" else None)
    assert (answer.status, code(answer)) == (status, right)


def test_a_wrong_checksum_is_refused(blobs: Local) -> None:
    assert code(put(blobs, "a", b"x", content_md5="bm90IGl0")) == "Md5Mismatch"


def test_a_container_of_the_data_plane_is_one_of_resource_manager_and_the_other_way_round(blobs: Local) -> None:
    assert blobs.call("PUT", "/blob/acct/more?restype=container", b"").status == 201
    assert blobs.got(CONTAINER.replace("/data", "/more"))["properties"]["publicAccess"] == "None"
    put(blobs, "a", b"x")
    blobs.ask("DELETE", CONTAINER)
    assert code(get(blobs, "a")) == "ContainerNotFound"
    blobs.made(CONTAINER, {"properties": {}})
    assert names(blobs)[0] == []
    listed = blobs.call("GET", "/blob/acct?comp=list")
    assert {"data", "more"} <= {str(one.text) for one in ET.fromstring(listed.body.decode()[1:]).iter("Name")}
    assert blobs.call("DELETE", "/blob/acct/more?restype=container").status == 202
    assert blobs.refused("GET", CONTAINER.replace("/data", "/more"))["status"] == 404


@pytest.mark.parametrize(
    ("role", "condition", "status"),
    [
        ("Storage Blob Data Contributor", None, 202),
        ("Storage Blob Data Contributor", "data is read-only", 202),  # conditions are about blobs alone
        ("Storage Blob Data Reader", None, 403),
        (["containers/read"], None, 403),
        (["containers/delete"], None, 202),
    ],
)
def test_a_container_is_deleted_by_whose_role_says_so(
    blobs: Local, role: str | list[str], condition: str | None, status: int
) -> None:
    oid = blobs.got(IDENTITY)["properties"]["principalId"]
    id = str(uuid.uuid4())
    if isinstance(role, str):
        [id] = [guid for guid, name in authorization.built_in().items() if name == role]
    else:
        actions = [f"Microsoft.Storage/storageAccounts/blobServices/{action}" for action in role]
        own = {"roleName": "own", "assignableScopes": [GROUP], "permissions": [{"actions": actions}]}
        blobs.made(f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{id}", {"properties": own})
    given: Json = {"roleDefinitionId": f"{SUBSCRIPTION_ID}/providers/{authorization.DEFINITIONS}/{id}"}
    given |= {"principalId": oid, "principalType": "ServicePrincipal"}
    given |= {"condition": condition, "conditionVersion": "2.0"} if condition else {}
    blobs.made(f"{ACCOUNT}/providers/{authorization.ASSIGNMENTS}/{uuid.uuid4()}", {"properties": given})
    token, _ = blobs.state.store(Tokens).issue(oid, "client", "https://storage.azure.com")
    bearer = {"authorization": f"Bearer {token}"}
    answer = blobs.call("DELETE", "/blob/acct/data?restype=container", **bearer)
    assert answer.status == status
    if status == 403:
        assert code(answer) == "AuthorizationPermissionMismatch"
        assert blobs.call("PUT", "/blob/acct/more?restype=container", b"", **bearer).status == 403
        assert blobs.got(CONTAINER)


def test_a_signed_address_reads_its_blob_for_its_time_and_nothing_else(blobs: Local) -> None:
    put(blobs, "a b.txt", b"hello")
    path = access.address(blobs.state, "acct", "data", "a b.txt", 60).partition("/_azure")[2]
    assert blobs.call("GET", path, authorization="").body == b"hello"
    for wrong in (path.replace("a%20b", "c"), path.replace("sig=", "sig=x"), path.replace("&se=2027", "&se=2028")):
        assert code(blobs.call("GET", wrong, authorization="")) == "AuthenticationFailed"
    assert code(blobs.call("PUT", path, b"new", authorization="")) == "AuthenticationFailed"
    blobs.clock.now += 61
    assert code(blobs.call("GET", path, authorization="")) == "AuthenticationFailed"


def test_without_a_token_or_a_signature_a_blob_is_closed(blobs: Local) -> None:
    assert get(blobs, "a", authorization="").status == 401


def test_what_has_no_public_access_refuses_callers_from_outside(blobs: Local) -> None:
    put(blobs, "a", b"x")
    for id in (ACCOUNT, VAULT, WORKSPACE):
        body = BODIES[id] | {"properties": BODIES[id]["properties"] | {"publicNetworkAccess": "Disabled"}}
        blobs.made(id, body)
    assert get(blobs, "a").status == 200
    blobs.state.store(Settings).inside = False
    assert code(get(blobs, "a")) == "AuthorizationFailure"
    vault = json.loads(blobs.call("GET", "/vault/vault/secrets/x?api-version=7.4").body)["error"]
    assert (vault["code"], vault["innererror"]["code"]) == ("Forbidden", "ForbiddenByConnection")
    history = blobs.call("GET", f"/ml/westeurope/history/v1.0{WORKSPACE}/runs/x")
    assert (history.status, b"private link configuration" in history.body) == (403, True)
    assert blobs.ask("GET", WORKSPACE)[0] == 200


class TestSecrets:
    def ask(self, azure: Local, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = azure.call(method, f"/vault/vault/{path}?api-version=7.4", body)
        return answer.status, json.loads(answer.body or b"null")

    def test_a_secret_is_its_newest_version_unless_one_is_named(self, rich: Local) -> None:
        first = self.ask(rich, "PUT", "secrets/token", {"value": "one"})[1]
        self.ask(rich, "PUT", "secrets/token", {"value": "two", "contentType": "text"})
        assert self.ask(rich, "GET", "secrets/token")[1]["value"] == "two"
        version = first["id"].rpartition("/")[2]
        assert self.ask(rich, "GET", f"secrets/token/{version}")[1]["value"] == "one"
        assert self.ask(rich, "GET", "secrets/token/none")[0] == 404
        listed = self.ask(rich, "GET", "secrets")[1]["value"]
        assert [one["id"] for one in listed] == ["https://vault.vault.azure.net/secrets/token"]
        assert "two" not in str(rich.got(f"{VAULT}/secrets/token"))

    def test_a_secret_of_resource_manager_is_one_of_the_vault(self, rich: Local) -> None:
        rich.made(f"{VAULT}/secrets/token", {"properties": {"value": "s3cret"}})
        assert self.ask(rich, "GET", "secrets/token")[1]["value"] == "s3cret"

    @pytest.mark.parametrize("noun", ["key", "secret"])
    def test_what_a_vault_keeps_is_deleted_there(self, rich: Local, noun: str) -> None:
        body = {"kty": "RSA"} if noun == "key" else {"value": "x"}
        rich.made(f"{VAULT}/{noun}s/it", {"properties": body})
        assert self.ask(rich, "GET", f"{noun}s/it")[0] == 200
        assert self.ask(rich, "DELETE", f"{noun}s/it")[0] == 200
        status, document = self.ask(rich, "GET", f"{noun}s/it")
        assert (status, document["error"]["code"]) == (404, f"{noun.title()}NotFound")

    def test_a_vault_that_is_not_there_and_a_call_without_a_version_are_refused(self, rich: Local) -> None:
        assert rich.call("GET", "/vault/none/secrets/x?api-version=7.4").status == 404
        assert rich.call("GET", "/vault/vault/secrets/x").status == 400
