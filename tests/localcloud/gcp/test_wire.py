"""Google's own clients against the local cloud: JobServiceClient over REST, storage.Client, google-auth."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import google.auth
import pytest
import requests
from google.api_core import exceptions
from google.auth import impersonated_credentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from google.oauth2.credentials import Credentials

from localcloud import Cloud
from tests.localcloud.gcp.stage import PARENT, PROJECT, REGION, Stage

pytestmark = pytest.mark.wire

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


@pytest.fixture
def inside(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that `localcloud run` gives a program."""
    for name, value in cloud.place.settings(cloud.server).items():
        if name not in ("PATH", "HOME"):
            monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def jobs(cloud: Cloud) -> Any:
    """Google's JobServiceClient, signed in with a token."""
    from google.cloud.aiplatform_v1.services.job_service import JobServiceClient

    options = {"api_endpoint": f"{cloud.url}/_gcp/aiplatform"}
    return JobServiceClient(transport="rest", credentials=Credentials("testing"), client_options=options)


@pytest.fixture
def bucket(inside: None, stage: Stage) -> Iterator[storage.Bucket]:
    """A bucket of storage.Client under STORAGE_EMULATOR_HOST, gone with all in it afterwards."""
    client = storage.Client()
    made = client.create_bucket("wire-bucket", location=REGION)
    yield made
    for blob in client.list_blobs(made, versions=True):
        made.delete_blob(blob.name, generation=blob.generation)
    made.delete()


class TestJobServiceClient:
    def job(self, stage: Stage, *script: str, **changes: Any) -> dict[str, Any]:
        """A right request in the client's own spelling."""
        sent = stage.job(*script, **changes)
        pool = sent["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]
        container = {"image_uri": pool["imageUri"], "command": pool["command"]}
        machine = {"machine_type": "n1-standard-4"}
        return {
            "display_name": sent["displayName"],
            "labels": {"dispatch-id": "wire"},
            "job_spec": {
                "worker_pool_specs": [{"machine_spec": machine, "replica_count": 1, "container_spec": container}],
                "scheduling": {"timeout": timedelta(seconds=60), "strategy": "SPOT"},
                "service_account": stage.account,
            },
        }

    def test_it_creates_reads_lists_cancels_and_deletes(self, stage: Stage, jobs: Any) -> None:
        made = jobs.create_custom_job(parent=PARENT, custom_job=self.job(stage, "import time; time.sleep(60)"))
        assert (made.state.name, made.job_spec.scheduling.strategy.name) == ("JOB_STATE_QUEUED", "SPOT")
        assert made.job_spec.scheduling.timeout == timedelta(seconds=60)
        while (job := jobs.get_custom_job(name=made.name)).state.name != "JOB_STATE_RUNNING":
            time.sleep(0.05)
        assert job.start_time >= job.create_time
        found = jobs.list_custom_jobs(request={"parent": PARENT, "filter": 'labels.dispatch-id="wire"'})
        assert [one.name for one in found] == [made.name]
        with pytest.raises(exceptions.BadRequest, match="cancel it before deleting"):
            jobs.delete_custom_job(name=made.name)
        jobs.cancel_custom_job(name=made.name)
        stage.ended(made.name)
        assert jobs.get_custom_job(name=made.name).state.name == "JOB_STATE_CANCELLED"
        with pytest.raises(exceptions.BadRequest, match="JOB_STATE_CANCELLED and cannot be cancelled"):
            jobs.cancel_custom_job(name=made.name)
        jobs.delete_custom_job(name=made.name).result(timeout=10)
        with pytest.raises(exceptions.NotFound):
            jobs.get_custom_job(name=made.name)

    def test_a_failed_job_has_its_error(self, stage: Stage, jobs: Any) -> None:
        name = jobs.create_custom_job(parent=PARENT, custom_job=self.job(stage, "raise SystemExit(2)")).name
        stage.ended(name)
        error = jobs.get_custom_job(name=name).error
        assert (error.code, "non-zero status of 2" in error.message) == (3, True)

    def test_it_pages_through_many_jobs(self, stage: Stage, jobs: Any) -> None:
        request = self.job(stage, "pass") | {"labels": {"many": "yes"}}
        names = [jobs.create_custom_job(parent=PARENT, custom_job=request).name for _ in range(5)]
        asked = {"parent": PARENT, "filter": "labels.many:*", "page_size": 2}
        assert [one.name for one in jobs.list_custom_jobs(request=asked)] == names[::-1]
        for name in names:
            stage.ended(name)

    def test_a_refusal_is_the_exception_of_its_code(self, stage: Stage, jobs: Any) -> None:
        request = self.job(stage, "pass")
        request["job_spec"]["service_account"] = f"nobody@{PROJECT}.iam.gserviceaccount.com"
        with pytest.raises(exceptions.BadRequest, match="does not exist"):
            jobs.create_custom_job(parent=PARENT, custom_job=request)

    def test_it_signs_in_with_the_environment_of_localcloud_run(self, inside: None, stage: Stage) -> None:
        from google.cloud.aiplatform_v1.services.job_service import JobServiceClient

        options = {"api_endpoint": f"{stage.cloud.url}/_gcp/aiplatform"}
        client = JobServiceClient(transport="rest", client_options=options)
        assert list(client.list_custom_jobs(request={"parent": PARENT, "filter": "labels.none:*"})) == []


class TestSigningIn:
    def test_application_default_credentials_are_of_this_cloud(self, inside: None, stage: Stage) -> None:
        credentials, project = google.auth.default(scopes=SCOPES)
        assert project == PROJECT
        session = AuthorizedSession(credentials)
        url = f"{stage.cloud.url}/_gcp/aiplatform/v1/{PARENT}/customJobs"
        assert session.get(url).status_code == 200
        stage.cloud.fault("expired", service="aiplatform")
        assert session.get(url).status_code == 200  # signed in again
        assert len(stage.cloud.requests("oauth2", "Token")) == 2

    def test_an_account_that_exists_can_be_impersonated(self, inside: None, stage: Stage) -> None:
        source, _ = google.auth.default(scopes=SCOPES)
        endpoint = f"{stage.cloud.url}/_gcp/iamcredentials/v1/projects/-/serviceAccounts/%s:generateAccessToken"
        for email, right in ((stage.account, True), (f"none@{PROJECT}.iam.gserviceaccount.com", False)):
            credentials = impersonated_credentials.Credentials(
                source, email, SCOPES, iam_endpoint_override=endpoint % email
            )
            session = AuthorizedSession(credentials)
            url = f"{stage.cloud.url}/_gcp/aiplatform/v1/{PARENT}/customJobs"
            if right:
                assert session.get(url).status_code == 200
            else:
                with pytest.raises(google.auth.exceptions.RefreshError, match="Gaia id not found"):
                    session.get(url)

    @pytest.mark.parametrize(
        ("header", "reason"),
        [
            ({}, "CREDENTIALS_MISSING"),
            ({"Authorization": "Bearer ya29.somebody-else"}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            ({"Authorization": "Basic eDp5"}, "CREDENTIALS_MISSING"),
            ({"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ],
        ids=["none", "another's", "no bearer", "unsigned"],
    )
    def test_nobody_else_is_let_in(self, stage: Stage, header: dict[str, str], reason: str) -> None:
        url = f"{stage.cloud.url}/_gcp/aiplatform/v1/{PARENT}/customJobs"
        answer = requests.get(url, headers=header, timeout=10)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
        assert answer.json()["error"]["details"][0]["reason"] == reason

    def test_a_page_of_another_host_is_refused(self, stage: Stage) -> None:
        url = f"{stage.cloud.url}/_gcp/storage/storage/v1/b"
        assert requests.get(url, headers={"Host": "evil.example"}, timeout=10).status_code == 421


class TestStorageClient:
    def test_what_is_uploaded_is_downloaded(self, bucket: storage.Bucket) -> None:
        blob = bucket.blob("folder/a b+ü.txt")
        blob.metadata = {"k": "v"}
        blob.upload_from_string("hello", content_type="text/plain; charset=utf-8")
        found = bucket.get_blob("folder/a b+ü.txt")
        assert found.download_as_bytes() == b"hello"
        assert (found.size, found.content_type, found.metadata) == (5, "text/plain; charset=utf-8", {"k": "v"})
        assert (found.md5_hash, found.crc32c) == ("XUFAKrxLKna5cZ2REBfFkg==", "mnG7TA==")
        assert found.download_as_bytes(start=1, end=3) == b"ell"

    @pytest.mark.parametrize("size", [0, 1, 256 * 1024, 1_000_000], ids=str)
    def test_a_resumable_upload_in_chunks_is_whole(self, bucket: storage.Bucket, size: int) -> None:
        content = os.urandom(size)
        bucket.blob("big", chunk_size=256 * 1024).upload_from_file(io.BytesIO(content))
        assert bucket.blob("big").download_as_bytes() == content

    def test_a_large_file_goes_up_in_one_resumable_request(self, bucket: storage.Bucket) -> None:
        content = os.urandom(9_000_000)
        bucket.blob("large").upload_from_file(io.BytesIO(content), size=len(content))
        assert bucket.blob("large").download_as_bytes() == content

    def test_a_chunk_that_is_lost_is_sent_again(self, bucket: storage.Bucket, stage: Stage) -> None:
        content = os.urandom(1_000_000)
        stage.cloud.fault("5xx", service="storage", operation="InsertObject", match={"uploadType": "resumable"})
        stage.cloud.fault("lost", service="storage", operation="InsertObject", match={"uploadType": "resumable"})
        blob = bucket.blob("retried", chunk_size=256 * 1024)
        blob.upload_from_file(io.BytesIO(content), if_generation_match=0)
        assert bucket.blob("retried").download_as_bytes() == content

    def test_a_resumable_upload_says_how_far_it_is(self, bucket: storage.Bucket, stage: Stage) -> None:
        base = f"{stage.cloud.url}/_gcp/storage/upload/storage/v1/b/{bucket.name}/o"
        began = requests.post(f"{base}?uploadType=resumable&name=steps", json={}, timeout=10)
        where, step = began.headers["Location"], 256 * 1024

        def send(content: bytes, place: str) -> requests.Response:
            return requests.put(where, content, headers={"Content-Range": f"bytes {place}"}, timeout=10)

        asked = send(b"", "*/*")
        assert (asked.status_code, "Range" in asked.headers) == (308, False)
        assert send(b"x" * 1000, "0-999/*").status_code == 400  # only the last chunk may be of any size
        assert "Range" not in send(b"", "*/*").headers
        assert send(b"a" * step, f"0-{step - 1}/*").headers["Range"] == f"bytes=0-{step - 1}"
        assert send(b"", f"*/{step + 3}").headers["Range"] == f"bytes=0-{step - 1}"
        assert send(b"!", f"{step + 9}-{step + 9}/*").status_code == 503  # what lies between is missing
        done = send(b"end", f"{step}-{step + 2}/{step + 3}")
        assert (done.status_code, done.json()["size"]) == (200, str(step + 3))
        assert send(b"", f"*/{step + 3}").json() == done.json()
        assert requests.delete(where, timeout=10).status_code == 499
        assert requests.put(where, b"", timeout=10).status_code == 404

    def test_a_resumable_upload_whose_condition_fails_at_its_end_is_over(
        self, bucket: storage.Bucket, stage: Stage
    ) -> None:
        base = f"{stage.cloud.url}/_gcp/storage/upload/storage/v1/b/{bucket.name}/o"
        query = "uploadType=resumable&name=raced&ifGenerationMatch=0"
        where = requests.post(f"{base}?{query}", json={}, timeout=10).headers["Location"]
        bucket.blob("raced").upload_from_string("first")
        assert requests.put(where, b"second", timeout=10).status_code == 412
        assert requests.put(where, b"second", timeout=10).status_code == 404
        assert bucket.blob("raced").download_as_bytes() == b"first"

    def test_lists_have_prefixes_and_pages(self, bucket: storage.Bucket) -> None:
        names = ["a/1", "a/2", "a/sub/3", "b", "c//d"]
        for name in names:
            bucket.blob(name).upload_from_string(name)
        assert [blob.name for blob in bucket.list_blobs(page_size=2)] == names
        found = bucket.list_blobs(prefix="a/", delimiter="/")
        assert ([blob.name for blob in found], found.prefixes) == (["a/1", "a/2"], {"a/sub/"})
        assert [blob.name for blob in bucket.list_blobs(start_offset="a/2", end_offset="b")] == ["a/2", "a/sub/3"]

    def test_preconditions_hold_or_refuse(self, bucket: storage.Bucket) -> None:
        blob = bucket.blob("once")
        blob.upload_from_string("1", if_generation_match=0)
        first = blob.generation
        with pytest.raises(exceptions.PreconditionFailed):
            bucket.blob("once").upload_from_string("2", if_generation_match=0)
        blob.upload_from_string("2", if_generation_match=first)
        assert blob.generation > first
        with pytest.raises(exceptions.PreconditionFailed):
            blob.delete(if_generation_match=first)
        blob.metadata = {"a": "b"}
        blob.patch(if_metageneration_match=1)
        assert blob.metageneration == 2

    def test_a_wrong_checksum_is_refused(self, bucket: storage.Bucket) -> None:
        blob = bucket.blob("wrong")
        blob.md5_hash = "AAAAAAAAAAAAAAAAAAAAAA=="
        with pytest.raises(exceptions.BadRequest, match="doesn't match calculated MD5 hash"):
            blob.upload_from_string("x", checksum=None)

    def test_copy_rename_and_compose(self, bucket: storage.Bucket) -> None:
        one = bucket.blob("one")
        one.upload_from_string("1")
        bucket.copy_blob(one, bucket, "two")
        bucket.rename_blob(bucket.blob("two"), "three")
        whole = bucket.blob("whole")
        whole.compose([one, bucket.blob("three")])
        assert whole.download_as_bytes() == b"11"
        assert [blob.name for blob in bucket.list_blobs()] == ["one", "three", "whole"]

    def test_versions_are_kept_when_asked_for(self, bucket: storage.Bucket) -> None:
        bucket.versioning_enabled = True
        bucket.patch()
        blob = bucket.blob("v")
        blob.upload_from_string("1")
        first = blob.generation
        blob.upload_from_string("2")
        bucket.delete_blob("v")
        assert not bucket.blob("v").exists()
        assert len(list(bucket.list_blobs(versions=True))) == 2
        assert bucket.blob("v", generation=first).download_as_bytes() == b"1"
        with pytest.raises(exceptions.Conflict, match="not empty"):
            bucket.delete()

    def test_a_bucket_keeps_its_settings_and_policy(self, bucket: storage.Bucket) -> None:
        bucket.iam_configuration.uniform_bucket_level_access_enabled = True
        bucket.iam_configuration.public_access_prevention = "enforced"
        bucket.labels = {"owner": "ml"}
        bucket.add_lifecycle_delete_rule(age=3)
        bucket.patch()
        bucket.reload()
        assert bucket.iam_configuration.uniform_bucket_level_access_enabled
        assert bucket.labels == {"owner": "ml"}
        assert [rule["condition"] for rule in bucket.lifecycle_rules] == [{"age": 3}]
        policy = bucket.get_iam_policy(requested_policy_version=3)
        policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"user:a@example.com"}})
        bucket.set_iam_policy(policy)
        assert policy.bindings[-1] in bucket.get_iam_policy(requested_policy_version=3).bindings
        with pytest.raises(exceptions.PreconditionFailed):
            bucket.set_iam_policy(policy)  # read before the change

    def test_what_the_retention_policy_keeps_cannot_be_deleted(self, bucket: storage.Bucket) -> None:
        bucket.retention_period = 3600
        bucket.patch()
        bucket.blob("kept").upload_from_string("1")
        with pytest.raises(exceptions.Forbidden, match="retention policy"):
            bucket.delete_blob("kept")
        bucket.retention_period = None
        bucket.patch()

    def test_a_missing_bucket_or_object_is_not_found(self, bucket: storage.Bucket) -> None:
        with pytest.raises(exceptions.NotFound):
            bucket.blob("none").download_as_bytes()
        with pytest.raises(exceptions.NotFound):
            bucket.client.get_bucket("no-such-bucket")
        assert not bucket.blob("none").exists()

    def test_a_name_is_taken_once(self, bucket: storage.Bucket) -> None:
        with pytest.raises(exceptions.Conflict):
            bucket.client.create_bucket(bucket.name)
