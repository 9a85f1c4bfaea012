"""Signatures: AWS's own published vectors step by step, and botocore on the requests that are really sent."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.runtime.secrets.sigv4 import Credentials, Request, Scope, canonical, sign, signed, to_sign

PUBLISHED = json.loads((Path(__file__).parent / "data" / "sigv4_vectors.json").read_text())
VECTORS: list[dict[str, Any]] = PUBLISHED["vectors"]


def read(vector: dict[str, Any]) -> tuple[Request, Scope, Credentials]:
    """A vector's request and context; `sign_body` asks for a header that names the body."""
    context = vector["context"]
    head, _, body = vector["request"].partition("\n\n")
    first, *lines = head.splitlines()
    method, _, rest = first.partition(" ")
    headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if context["sign_body"]:
        headers["x-amz-content-sha256"] = hashlib.sha256(body.encode()).hexdigest()
    host = headers.pop("Host")
    request = Request(method, f"https://{host}{rest.rpartition(' ')[0]}", headers, body.encode())
    held = context["credentials"]
    seconds = datetime.fromisoformat(context["timestamp"].replace("Z", "+00:00")).timestamp()
    return (
        request,
        Scope(seconds, context["region"], context["service"]),
        Credentials(held["access_key_id"], held["secret_access_key"], held.get("token", "")),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_every_step_of_a_signature_is_the_published_one(vector: dict[str, Any]) -> None:
    request, scope, credentials = read(vector)
    headers = sign(request, scope, credentials)
    authorization = headers.pop("Authorization")
    assert canonical(request._replace(headers=headers)) == vector["canonical_request"].rstrip("\n")
    text = to_sign(vector["canonical_request"].rstrip("\n"), scope)
    assert text == vector["string_to_sign"].rstrip("\n")
    assert signed(text, scope, credentials) == vector["signature"].strip()
    assert f"Authorization:{authorization}\n" in vector["signed_request"]


@pytest.mark.oracle
@pytest.mark.parametrize("token", ["", "a/session+token=="])
def test_botocore_signs_the_requests_that_read_secrets_the_same(token: str) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as Theirs

    url = "https://secretsmanager.eu-central-1.amazonaws.com/"
    body = json.dumps({"SecretId": "zone/ä"}).encode()
    sent = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    scope = Scope(1_800_000_000.5, "eu-central-1", "secretsmanager")
    ours = sign(Request("POST", url, sent, body), scope, Credentials("AKID", "key", token))
    theirs = SigV4Auth(Theirs("AKID", "key", token or None), "secretsmanager", "eu-central-1")
    request = AWSRequest("POST", url, sent | {"X-Amz-Date": scope.time}, body)
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.context["timestamp"] = scope.time
    text = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert ours["Authorization"].endswith(f"Signature={theirs.signature(text, request)}")
