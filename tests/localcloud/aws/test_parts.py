"""The pure parts of localcloud: images, layout, logs, lists, records, places, and reading calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud import Cloud
from localcloud.aws.operations import understand
from localcloud.aws.sagemaker import listing, logs
from localcloud.aws.sagemaker.errors import ServiceError
from localcloud.aws.sagemaker.record import TrainingJob
from localcloud.jobs import layout
from localcloud.jobs.images import ImageError, Images
from localcloud.jobs.layout import Node
from localcloud.place import Place, Server
from localcloud.server.faults import Fault, FaultError, Faults
from localcloud.server.seen import Seen
from localcloud.server.wire import Call

NAMES = ["algo-1", "algo-2", "algo-3"]
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def job(name: str = "j", created: float = 0, **request: Any) -> TrainingJob:
    one = TrainingJob(f"arn:{name}", "us-east-1", {"TrainingJobName": name, **request}, created)
    one.enter("Starting", "", created)
    return one


class TestImages:
    def test_the_longest_name_wins(self, tmp_path: Path) -> None:
        images = Images(tmp_path / "images.json")
        for name in ("images", "train", "images:train"):
            (tmp_path / name).mkdir()
            images.add(name, tmp_path / name)
        assert images.find(f"{REGISTRY}/zone/images:train") == tmp_path / "images:train"
        assert images.find(f"{REGISTRY}/zone/images:other") == tmp_path / "images"
        assert images.find(f"{REGISTRY}/zone/else:train") == tmp_path / "train"
        assert images.find(f"{REGISTRY}/zone/train@sha256:{'0' * 64}") == tmp_path / "train"
        assert images.find(f"{REGISTRY}/zone/else") is None

    def test_a_bad_name_or_folder_is_refused(self, tmp_path: Path) -> None:
        images = Images(tmp_path / "images.json")
        with pytest.raises(ImageError, match="not an image name"):
            images.add("Train!", tmp_path)
        with pytest.raises(ImageError, match="not a folder"):
            images.add("train", tmp_path / "none")
        assert images.all() == {}

    def test_a_name_can_be_forgotten(self, tmp_path: Path) -> None:
        images = Images(tmp_path / "images.json")
        images.add("train", tmp_path)
        assert images.remove("train")
        assert not images.remove("train")


class TestLayout:
    node = Node(0, "algo-1", "127.0.0.1", Path("/private"), ("/opt/ml",))

    @pytest.mark.parametrize(
        ("given", "mapped"),
        [
            ("/opt/ml", "/private/opt/ml"),
            ("/opt/ml/model", "/private/opt/ml/model"),
            ("--out=/opt/ml/model", "--out=/private/opt/ml/model"),
            ("/opt/ml/a:/opt/ml/b", "/private/opt/ml/a:/private/opt/ml/b"),
            ("cp '/opt/ml/a b' /tmp", "cp '/private/opt/ml/a b' /tmp"),
            ("/opt/mlflow", "/opt/mlflow"),
            ("/usr/opt/ml/x", "/usr/opt/ml/x"),
            ("s3://bucket/opt/ml/x", "s3://bucket/opt/ml/x"),
            ("./opt/ml", "./opt/ml"),
        ],
    )
    def test_opt_ml_is_mapped_and_nothing_else(self, given: str, mapped: str) -> None:
        assert self.node.inside(given) == mapped

    @given(st.text())
    def test_mapping_twice_changes_nothing_more(self, text: str) -> None:
        once = self.node.inside(text)
        assert self.node.inside(once) == once

    def test_a_path_outside_is_private_too(self) -> None:
        assert self.node.path("/data/keep") == Path("/private/data/keep")
        assert self.node.path("/opt/ml/checkpoints/") == Path("/private/opt/ml/checkpoints")

    def test_nodes_have_addresses_that_reach_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layout, "HOSTS", Path("/none"))
        monkeypatch.setattr(layout, "_can_bind", lambda address: True)
        assert layout.hosts(NAMES) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        monkeypatch.setattr(layout, "_can_bind", lambda address: address == "127.0.0.1")
        assert layout.hosts(NAMES[:2]) == NAMES[:2]

    def test_nodes_keep_their_names_where_the_hosts_file_has_them(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "hosts").write_text(
            "127.0.0.1 localhost algo-1 # algo-3\n\n127.0.0.2\talgo-2\n10.0.0.9 algo-3\n"
        )
        monkeypatch.setattr(layout, "HOSTS", tmp_path / "hosts")
        assert layout.hosts(NAMES[:2]) == NAMES[:2]
        assert layout.hosts(NAMES) != NAMES


class FakeLogs:
    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []

    def put_log_events(self, **request: Any) -> None:
        self.batches.append(request["logEvents"])

    @property
    def messages(self) -> list[str]:
        return [event["message"] for batch in self.batches for event in batch]


class TestLogs:
    def test_a_line_in_two_pieces_is_one_event(self) -> None:
        fake = FakeLogs()
        stream = logs.stream(fake, "x")
        stream.add("grü".encode()[:3])
        stream.add("grü".encode()[3:] + b"n\nnext\n")
        stream.flush()
        assert fake.messages == ["grün", "next"]

    def test_a_progress_bar_is_what_a_terminal_shows_in_the_end(self) -> None:
        fake = FakeLogs()
        stream = logs.stream(fake, "x")
        stream.add(b"\r 10%\r 50%\r100%\nwindows line\r\n\n")
        stream.flush()
        assert fake.messages == ["100%", "windows line"]

    def test_bytes_that_are_no_text_do_not_stop_the_log(self) -> None:
        fake = FakeLogs()
        stream = logs.stream(fake, "x")
        stream.add(b"\xff\xfe\n")
        stream.flush()
        assert fake.messages == ["\ufffd\ufffd"]

    @given(st.lists(st.integers(min_value=1, max_value=300_000), max_size=40))
    def test_no_batch_exceeds_what_put_log_events_takes(self, sizes: list[int]) -> None:
        fake = FakeLogs()
        stream = logs.stream(fake, "x")
        stream.add(b"".join(b"x" * size + b"\n" for size in sizes))
        stream.flush()
        assert sum(len(message) for message in fake.messages) == sum(sizes)
        for batch in fake.batches:
            assert len(batch) <= 10_000
            assert sum(len(event["message"]) + 26 for event in batch) <= 1_048_576
            assert all(len(event["message"]) <= 256 * 1024 - 26 for event in batch)


class TestRecord:
    def test_nothing_follows_a_final_state(self) -> None:
        one = job()
        one.fail("AlgorithmError: x", 5)
        one.enter("Training", "", 6)
        assert (one.status, one.secondary, one.ended) == ("Failed", "Failed", 5)

    def test_only_an_end_follows_stopping(self) -> None:
        one = job()
        one.enter("Stopping", "", 1)
        one.enter("Uploading", "", 2)
        assert one.secondary == "Stopping"
        one.enter("MaxRuntimeExceeded", "", 3)
        assert (one.status, one.secondary) == ("Stopped", "MaxRuntimeExceeded")

    def test_every_step_of_the_history_has_its_times(self) -> None:
        one = job()
        one.enter("Training", "", 2)
        one.enter("Completed", "", 3)
        assert [(step["StartTime"], step["EndTime"]) for step in one.transitions] == [(0, 2), (2, 3), (3, 3)]


class TestListing:
    def test_times_are_bounds_that_exclude_themselves(self) -> None:
        jobs = [job(name, created) for name, created in (("a", 1.0), ("b", 2.0), ("c", 3.0))]

        def listed(**request: Any) -> list[str]:
            found = listing.training_jobs(request, jobs)["TrainingJobSummaries"]
            return [entry["TrainingJobName"] for entry in found]

        assert listed() == ["c", "b", "a"]
        assert listed(CreationTimeAfter=2.0) == ["c"]
        assert listed(CreationTimeBefore=2.0) == ["a"]
        assert listed(LastModifiedTimeAfter=1.0, SortOrder="Ascending") == ["b", "c"]
        assert listed(WarmPoolStatusEquals="Available") == []

    @given(st.integers(min_value=0, max_value=30), st.integers(min_value=1, max_value=7))
    def test_pages_together_are_the_list(self, count: int, size: int) -> None:
        jobs = [job(f"j{number}", number) for number in range(count)]
        names: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer = listing.training_jobs({"MaxResults": size, **token}, jobs)
            assert len(answer["TrainingJobSummaries"]) <= size
            names += [entry["TrainingJobName"] for entry in answer["TrainingJobSummaries"]]
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
        assert names == [f"j{number}" for number in reversed(range(count))]

    def test_a_token_belongs_to_its_request(self) -> None:
        jobs = [job(f"j{number}", number) for number in range(3)]
        token = listing.training_jobs({"MaxResults": 1}, jobs)["NextToken"]
        with pytest.raises(ServiceError, match="other parameters"):
            listing.training_jobs({"NextToken": token, "NameContains": "j"}, jobs)
        with pytest.raises(ServiceError, match="Invalid NextToken"):
            listing.training_jobs({"NextToken": "rubbish"}, jobs)


class TestFaults:
    def test_a_fault_is_used_up(self) -> None:
        faults = Faults()
        faults.add(Fault("throttle", times=2))
        taken = [faults.take(Seen("s3", "GetObject", "")) for _ in range(3)]
        assert [fault.kind if fault else None for fault in taken] == ["throttle", "throttle", None]

    def test_a_fault_waits_for_its_call(self) -> None:
        faults = Faults()
        faults.add(Fault.read({"kind": "throttle", "service": "sagemaker", "match": {"A.B": "x*"}}))
        assert faults.take(Seen("sagemaker", "X", "", {"A": {"B": "yx"}})) is None
        assert faults.take(Seen("sagemaker", "X", "", {"A": {"B": "xy"}})) is not None

    @pytest.mark.parametrize("document", [None, [], {}, {"kind": "quota", "service": "ec2"}])
    def test_rubbish_is_refused(self, document: object) -> None:
        with pytest.raises(FaultError):
            Fault.read(document)


def call(method: str, target: str, service: str, body: bytes = b"", **headers: str) -> Call:
    scope = f"AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(method, target, "127.0.0.1:1", tuple({"Authorization": scope, **named}.items()), body)


class TestUnderstand:
    @pytest.mark.parametrize(
        ("method", "target", "operation"),
        [
            ("GET", "/", "ListBuckets"),
            ("PUT", "/b", "CreateBucket"),
            ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2"),
            ("GET", "/b?prefix=x", "ListObjects"),
            ("GET", "/b?publicAccessBlock", "GetPublicAccessBlock"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
            ("PUT", "/b/k", "PutObject"),
            ("DELETE", "/b/k/with/slashes", "DeleteObject"),
            ("POST", "/b?delete", "DeleteObjects"),
            ("HEAD", "/b", "HeadBucket"),
        ],
    )
    def test_s3_is_read_from_method_path_and_query(self, method: str, target: str, operation: str) -> None:
        seen = understand(call(method, target, "s3"))
        assert (seen.service, seen.operation, seen.region) == ("s3", operation, "eu-west-1")

    def test_a_copy_is_told_from_a_put_by_its_header(self) -> None:
        assert understand(call("PUT", "/b/k", "s3", x_amz_copy_source="/b/a")).operation == "CopyObject"

    def test_json_and_query_protocols_say_what_they_are(self) -> None:
        seen = understand(call("POST", "/", "sagemaker", b'{"a": 1}', X_Amz_Target="SageMaker.ListTags"))
        assert (seen.service, seen.operation, seen.parameters) == ("sagemaker", "ListTags", {"a": 1})
        form = "application/x-www-form-urlencoded; charset=utf-8"
        seen = understand(call("POST", "/", "iam", b"Action=GetRole&RoleName=a%2Fb", Content_Type=form))
        assert (seen.service, seen.operation, seen.parameters) == ("iam", "GetRole", {"RoleName": "a/b"})

    def test_s3_control_is_told_from_s3_by_its_path(self) -> None:
        seen = understand(call("GET", "/v20180820/configuration/publicAccessBlock", "s3"))
        assert (seen.service, seen.operation) == ("s3control", "GetPublicAccessBlock")

    def test_an_unsigned_or_broken_call_is_no_error(self) -> None:
        assert understand(Call("GET", "/x", "h", ())) == Seen("", "", "")
        assert understand(call("POST", "/", "sagemaker", b"{", X_Amz_Target="SageMaker.X")).parameters == {}


class TestPlace:
    server = Server(1, 4000, "t", 0.0)

    def test_the_place_follows_the_environment(self) -> None:
        assert Place.default({"LOCALCLOUD_HOME": "/a"}).root == Path("/a")
        assert Place.default({"XDG_STATE_HOME": "/b"}).root == Path("/b/launchway/localcloud")

    def test_nothing_in_the_environment_leads_to_a_real_account(self, tmp_path: Path) -> None:
        real = dict.fromkeys(("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"), "x")
        real |= dict.fromkeys(("PULUMI_ACCESS_TOKEN", "PULUMI_CREDENTIALS_PATH", "PULUMI_DEBUG_PROVIDERS"), "x")
        real |= {"AWS_CONFIG_FILE": "/h/.aws/config", "PULUMI_BACKEND_URL": "s3://state", "HOME": "/h"}
        environment = Place(tmp_path).environment(self.server, real)
        assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4000"
        assert environment["HOME"] == "/h"
        assert "x" not in environment.values()
        assert environment["AWS_CONFIG_FILE"].startswith(str(tmp_path))
        assert environment["PULUMI_BACKEND_URL"].startswith(tmp_path.as_uri())

    def test_a_proxy_of_the_user_is_not_asked_for_loopback(self, tmp_path: Path) -> None:
        environment = Place(tmp_path).environment(self.server, {"NO_PROXY": "corp", "HTTP_PROXY": "http://p"})
        assert environment["NO_PROXY"] == environment["no_proxy"] == "corp,127.0.0.1,localhost"

    def test_a_torn_record_is_no_server(self, tmp_path: Path) -> None:
        place = Place(tmp_path)
        place.record.write_text(json.dumps({"pid": 1}))
        assert place.read() is None
        place.write(self.server)
        assert place.read() == self.server
        assert place.record.stat().st_mode & 0o077 == 0


def test_a_client_reads_nothing_of_the_users_own_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default\nregion")  # torn: reading it fails
    for name, value in {
        "AWS_PROFILE": "production",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SESSION_TOKEN": "real",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_ENDPOINT_URL_S3": "https://s3.example",
    }.items():
        monkeypatch.setenv(name, value)
    client = Cloud(Place(tmp_path), Server(1, 9, "token", 0.0)).client("s3")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    signed = client.generate_presigned_url("list_buckets")
    assert "testing" in signed
    assert "real" not in signed


@pytest.mark.parametrize(
    ("code", "passes"), [("ResourceAlreadyExistsException", True), ("AccessDeniedException", False)]
)
def test_a_log_group_that_another_job_made_at_the_same_moment_is_none_the_worse(code: str, passes: bool) -> None:
    from botocore.exceptions import ClientError

    class Refusing:
        """Raises what a client raises whose own classes of errors another thread has just made anew."""

        class exceptions:  # the name that boto3 gives it
            class ResourceAlreadyExistsException(Exception):
                pass

        def create_log_group(self, **named: str) -> None:
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "CreateLogGroup")

        def create_log_stream(self, **named: str) -> None:
            pass

    if passes:
        logs.open_stream(Refusing(), "j/algo-1")
    else:
        with pytest.raises(ClientError):
            logs.open_stream(Refusing(), "j/algo-1")
