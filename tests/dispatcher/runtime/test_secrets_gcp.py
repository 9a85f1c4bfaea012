"""Secret Manager without a network: the metadata server's token, and every refusal in a line."""

from __future__ import annotations

import pytest

from tests.dispatcher.runtime.clouds import (
    GOOGLE,
    GOOGLE_SECRET,
    GOOGLE_TOKEN,
    VALUE,
    gcp,
    job,
    net,
    payload,
    said,
)


def test_google_is_asked_with_the_token_of_the_jobs_account() -> None:
    there = gcp(payload(VALUE.encode()))
    assert there.get(job("gcp-sm://acme-ml/zone-hf"))["HF"] == VALUE
    assert there.calls[0].headers == {"Metadata-Flavor": "Google"}
    assert there.calls[1].headers == {"Authorization": "Bearer ya29"}
    seventh = gcp(payload(VALUE.encode()), url=f"{GOOGLE_SECRET}7:access")
    assert seventh.get(job("gcp-sm://acme-ml/zone-hf@7"))["HF"] == VALUE


def test_a_name_without_a_project_is_the_jobs_own() -> None:
    there = gcp(payload(VALUE.encode()))
    there.answers[f"{GOOGLE}project/project-id"] = [said(200, b"acme-ml", metadata_flavor="Google")]
    assert there.get(job("gcp-sm://zone-hf"))["HF"] == VALUE
    assert gcp(payload(b"x")).get(job("gcp-sm://zone-hf", {"GOOGLE_CLOUD_PROJECT": "acme-ml"}))["HF"] == "x"


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (
            404,
            {"status": "NOT_FOUND", "message": "no versions"},
            "gcloud secrets versions add zone-hf --project acme-ml",
        ),
        (403, {"status": "PERMISSION_DENIED", "message": "Permission"}, "secretmanager.versions.access"),
        (
            400,
            {"status": "FAILED_PRECONDITION", "message": "in DISABLED state"},
            "FAILED_PRECONDITION in DISABLED",
        ),
    ],
)
def test_what_google_refuses_is_one_line_with_a_remedy(status: int, error: object, told: str) -> None:
    assert told in gcp(said(status, {"error": error})).refuse(job("gcp-sm://acme-ml/zone-hf"))


def test_something_else_than_a_metadata_server_is_not_believed() -> None:
    there = net({GOOGLE_TOKEN: said(200, {"access_token": "x"})})
    assert "is no metadata server" in there.refuse(job("gcp-sm://acme-ml/zone-hf"))
    missing = net({GOOGLE_TOKEN: said(404, b"", metadata_flavor="Google")})
    assert "give the job a service account" in missing.refuse(job("gcp-sm://acme-ml/zone-hf"))
    assert "no credentials of Google Cloud" in net({}).refuse(job("gcp-sm://acme-ml/zone-hf"))
