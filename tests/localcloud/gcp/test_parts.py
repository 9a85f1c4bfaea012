"""The pure parts of the local Google Cloud: routes, filters, pages, lists, layouts."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.gcp import filters, services, times
from localcloud.gcp.api import Api, Request, Route, page
from localcloud.gcp.errors import CODES, GoogleError
from localcloud.gcp.filters import And, Comparison, Not, Or
from localcloud.gcp.logging import entries
from localcloud.gcp.vertex import layout, listing, proto
from localcloud.gcp.vertex.record import CustomJob
from localcloud.jobs import nodes
from localcloud.server.wire import Call


def call(method: str, path: str, body: bytes = b"", **headers: str) -> Call:
    return Call(method, path, "127.0.0.1:1", tuple(headers.items()), body)


def word(name: str) -> Comparison:
    return Comparison((), "", name)


class TestApi:
    api = Api(
        [
            Route("GET", "/v1/{name=projects/*/things/*}", "GetThing", lambda state, request: None),
            Route("POST", "/v1/{name=projects/*/things/*}:stop", "StopThing", lambda state, request: None),
            Route("GET", "/v1/{name=projects/*/things/*}:policy", "GetPolicy", lambda state, request: None),
            Route("GET", "/b/{bucket}/o/{object}", "GetObject", lambda state, request: None),
            Route("GET", "/v1/{rest=**}", "Anything", lambda state, request: None),
        ]
    )

    @pytest.mark.parametrize(
        ("method", "path", "operation", "names"),
        [
            ("GET", "/v1/projects/p/things/t", "GetThing", {"name": "projects/p/things/t"}),
            ("POST", "/v1/projects/p/things/t:stop", "StopThing", {"name": "projects/p/things/t"}),
            ("GET", "/v1/projects/p/things/t:policy", "GetPolicy", {"name": "projects/p/things/t"}),
            ("GET", "/b/x/o/a%2Fb%20c", "GetObject", {"bucket": "x", "object": "a/b c"}),
            ("GET", "/v1/a/b/c", "Anything", {"rest": "a/b/c"}),
            ("GET", "/b/x/o/a/b", "", {}),
            ("DELETE", "/v1/projects/p/things/t", "", {}),
        ],
    )
    def test_a_path_is_the_most_particular_route_that_fits(
        self, method: str, path: str, operation: str, names: dict[str, str]
    ) -> None:
        request, _ = self.api.find(call(method, path), "s", path)
        assert (request.operation, request.names) == (operation, names)

    def test_a_request_knows_its_region_query_and_body(self) -> None:
        path = "/v1/projects/p/locations/us-central1/things:go"
        sent = call("POST", f"{path}?$alt=json;enum-encoding=int&a=1&a=2", b'{"x": 1}')
        request = Request(sent, "s", path)
        assert (request.region, request.body, request.queries["a"]) == ("us-central1", {"x": 1}, ["1", "2"])
        assert listing.integers_asked(request)

    @pytest.mark.parametrize("body", [b"{", b"[]", b"1"])
    def test_a_body_that_is_no_object_is_refused(self, body: bytes) -> None:
        with pytest.raises(GoogleError, match="Invalid JSON payload"):
            _ = Request(call("POST", "/", body), "s", "/").body

    @given(st.integers(0, 30), st.integers(0, 12))
    def test_pages_together_are_the_whole_list(self, count: int, size: int) -> None:
        token: str | None = None
        found: list[int] = []
        while True:
            part, more = page(range(count), size, token, usual=5, most=7)
            assert len(part) <= (min(size, 7) or 5)
            found += part
            token = more.get("nextPageToken")
            if token is None:
                break
        assert found == list(range(count))

    @pytest.mark.parametrize(("size", "token"), [(-1, None), ("x", None), (1, "x"), (1, "99")])
    def test_a_wrong_page_is_refused(self, size: object, token: str | None) -> None:
        with pytest.raises(GoogleError):
            page([1, 2, 3], size, token, 5, 7)

    def test_every_service_that_is_named_can_be_loaded(self) -> None:
        for name in services.MODULES:
            api = services.find(name)
            assert api is not None
            assert api.routes

    def test_every_code_has_the_number_of_google_s_own_table(self) -> None:
        from google.rpc import code_pb2

        assert {name: number for name, (_, number, _) in CODES.items()} == {
            name: number for name, number in code_pb2.Code.items() if name not in ("OK", "DATA_LOSS")
        }


class TestFilters:
    @pytest.mark.parametrize(
        ("text", "tree"),
        [
            ("", None),
            ("  -- nothing", None),
            ("a", word("a")),
            ("a AND b", And((word("a"), word("b")))),
            ("a b", And((word("a"), word("b")))),
            ("a OR b AND c", And((Or((word("a"), word("b"))), word("c")))),
            ("NOT a OR b", Or((Not(word("a")), word("b")))),
            ('-"a b"', Not(word("a b"))),
            ("(a AND b) OR c", Or((And((word("a"), word("b"))), word("c")))),
            ("labels.k:*", Comparison(("labels", "k"), ":", "*")),
            ('labels."a.b"="c\\"d"', Comparison(("labels", "a.b"), "=", 'c"d')),
            ("t>=2026-01-01T00:00:00Z", Comparison(("t",), ">=", "2026-01-01T00:00:00Z")),
            ('m=~"^x.*$"', Comparison(("m",), "=~", "^x.*$")),
            ("a != b", Comparison(("a",), "!=", "b")),
        ],
    )
    def test_text_becomes_a_tree(self, text: str, tree: filters.Tree | None) -> None:
        assert filters.parse(text) == tree

    @pytest.mark.parametrize("text", ["AND", "a OR", "a=", "(a", "a)", "=b", '"open', "NOT", "a=(b OR c)"])
    def test_what_is_no_filter_is_refused(self, text: str) -> None:
        with pytest.raises(GoogleError):
            filters.parse(text)

    @given(st.text(max_size=40))
    def test_any_text_is_a_filter_or_refused(self, text: str) -> None:
        with contextlib.suppress(GoogleError):
            filters.holds(filters.parse(text), lambda comparison: bool(comparison.value))


class TestEntries:
    document: ClassVar[dict[str, Any]] = {
        "severity": "ERROR",
        "timestamp": "2026-01-01T00:00:00.5Z",
        "resource": {"type": "ml_job", "labels": {"job_id": "1"}},
        "labels": {"ml.googleapis.com/trial_id": "x"},
        "jsonPayload": {"message": "Loss is 0.5", "step": 3},
    }

    @pytest.mark.parametrize(
        ("text", "right"),
        [
            ('resource.type="ml_job"', True),
            ('resource.labels.job_id="2"', False),
            ("severity>=WARNING", True),
            ("severity<ERROR", False),
            ('timestamp>="2026-01-01T00:00:00.499999999Z"', True),
            ('timestamp>"2026-01-01T01:00:00+01:00"', True),
            ('timestamp<="2026-01-01T00:00:00Z"', False),
            ('jsonPayload.message:"loss"', True),
            ('jsonPayload.message=~"0\\\\.5$"', True),
            ('jsonPayload.message!~"0"', False),
            ("jsonPayload.step>2", True),
            ("jsonPayload.step>10", False),
            ('labels."ml.googleapis.com/trial_id"=x', True),
            ("labels.ml.googleapis.com/trial_id=x", True),
            ("textPayload!=x", False),
            ("NOT textPayload=x", True),
            ("resource.labels.job_id:*", True),
            ("loss ERROR", True),
            ("loss WARNING", False),
        ],
    )
    def test_the_filter_says_what_cloud_logging_would(self, text: str, right: bool) -> None:
        tree = filters.parse(text)
        for comparison in filters.comparisons(tree):
            entries.check(comparison)
        assert filters.holds(tree, lambda one: entries.matches(self.document, one)) is right

    @given(st.integers(0, 4_000_000_000), st.integers(0, 999_999_999))
    def test_times_keep_their_nanoseconds(self, seconds: int, nanos: int) -> None:
        text = times.write(seconds).partition(".")[0] + f".{nanos:09d}Z"
        assert times.nanoseconds(text) == seconds * 10**9 + nanos


def custom_job(name: str = "j", number: int = 1, created: float = 0.0, **rest: Any) -> CustomJob:
    container = {"imageUri": "python", "command": ["python"], "args": ["--data", "/gcs/b/x"]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": "1", "containerSpec": container}
    request = {"displayName": name, "jobSpec": {"workerPoolSpecs": [pool]}, **rest}
    return CustomJob(str(number), "us-central1", proto.read(request), request, created)


class TestCustomJob:
    def test_nothing_follows_a_final_state(self) -> None:
        job = custom_job()
        assert job.enter("RUNNING", 5)
        assert job.enter("FAILED", 6, (3, "no"))
        assert not job.enter("RUNNING", 7)
        assert (job.state, job.started, job.ended, job.error) == ("FAILED", 5, 6, (3, "no"))

    def test_a_job_that_is_being_cancelled_does_not_start(self) -> None:
        job = custom_job()
        job.enter("CANCELLING", 1)
        assert not job.enter("RUNNING", 2)
        assert job.enter("CANCELLED", 3)

    def test_states_are_names_or_numbers_as_asked(self) -> None:
        job = custom_job()
        assert job.document()["state"] == "JOB_STATE_QUEUED"
        assert job.document(integers=True)["state"] == 1

    def test_the_request_s_numbers_and_names_of_enums_are_the_same_job(self) -> None:
        for strategy in ("SPOT", 4):
            spec = {"scheduling": {"strategy": strategy}}
            assert CustomJob("1", "l", proto.read({"jobSpec": spec}), {}, 0).strategy == "SPOT"

    def test_what_only_the_service_writes_is_not_taken_from_a_client(self) -> None:
        message = proto.read({"displayName": "x", "name": "projects/1/x", "state": "JOB_STATE_SUCCEEDED"})
        assert (message.name, message.state) == ("", 0)

    def test_waiting_for_machines_is_bounded_for_flex_start_only(self) -> None:
        waits = []
        for scheduling in (
            {},
            {"strategy": "FLEX_START"},
            {"strategy": "FLEX_START", "maxWaitDuration": "0s"},
            {"strategy": "FLEX_START", "maxWaitDuration": "1.5s"},
        ):
            message = proto.read({"jobSpec": {"scheduling": scheduling}})
            waits.append(CustomJob("1", "l", message, {}, 0).max_wait)
        assert waits == [None, 86_400.0, None, 1.5]


class TestListing:
    jobs: ClassVar[list[CustomJob]] = [
        custom_job("train-a", 1, 100, labels={"team": "ml"}),
        custom_job("train-b", 2, 200, labels={"team": "web"}),
        custom_job("score", 3, 300),
    ]

    def found(self, text: str, **query: str) -> list[str]:
        request = Request(call("GET", f"/x?{urlencode({'filter': text, **query})}"), "aiplatform", "/x")
        return [job["displayName"] for job in listing.jobs(request, self.jobs).get("customJobs", [])]

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("", ["score", "train-b", "train-a"]),
            ("labels.team=ml", ["train-a"]),
            ("labels.team:*", ["train-b", "train-a"]),
            ("NOT labels.team:*", ["score"]),
            ('labels.team="ml" OR labels.team="web"', ["train-b", "train-a"]),
            ('labels.team="ml" OR display_name="score" AND NOT display_name="score"', ["train-a"]),
            ('display_name:"train-*"', ["train-b", "train-a"]),
            ('display_name!="score"', ["train-b", "train-a"]),
            ('state="JOB_STATE_QUEUED"', ["score", "train-b", "train-a"]),
            ('state!="JOB_STATE_QUEUED"', []),
            ('create_time>"1970-01-01T00:03:20Z"', ["score"]),
            ('create_time<="1970-01-01T00:03:20Z"', ["train-b", "train-a"]),
        ],
    )
    def test_the_filter_is_that_of_the_api(self, text: str, names: list[str]) -> None:
        assert self.found(text) == names

    def test_a_page_does_not_move_when_jobs_are_added(self) -> None:
        request = Request(call("GET", "/x?pageSize=1"), "aiplatform", "/x")
        token = listing.jobs(request, self.jobs)["nextPageToken"]
        more = [*self.jobs, custom_job("new", 4, 400)]
        after = Request(call("GET", f"/x?pageSize=1&pageToken={token}"), "aiplatform", "/x")
        assert [job["displayName"] for job in listing.jobs(after, more)["customJobs"]] == ["train-b"]

    def test_a_token_belongs_to_its_filter(self) -> None:
        request = Request(call("GET", "/x?pageSize=1"), "aiplatform", "/x")
        token = listing.jobs(request, self.jobs)["nextPageToken"]
        with pytest.raises(GoogleError, match="another filter"):
            self.found("labels.team:*", pageToken=token)


class TestLayout:
    def test_paths_of_the_mount_are_mapped_and_others_are_not(self, tmp_path: Path) -> None:
        job = custom_job()
        (replica,) = layout.replicas(job, tmp_path)
        assert layout.command(job, replica) == ["python", "--data", f"{replica.node.home}/gcs/b/x"]
        assert replica.node.inside("gs://b/gcs/x --to=/gcs/b /gcsfuse") == (
            f"gs://b/gcs/x --to={replica.node.home}/gcs/b /gcsfuse"
        )

    def test_a_replica_s_process_is_noted_where_the_watch_over_orphans_looks(self, tmp_path: Path) -> None:
        job = custom_job()
        (replica,) = layout.replicas(job, tmp_path / job.location / job.id / "0")
        replica.node.home.mkdir(parents=True)
        born = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        nodes.record(replica.node.home).write_text(f"{os.getpid()} {born}")
        assert list(nodes.orphans(tmp_path)) == [os.getpid()]

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("$(A)-$(B)", "1-2"),
            ("$$(A)", "$(A)"),
            ("$(MISSING)", "$(MISSING)"),
            ("$A ${A} $", "$A ${A} $"),
            ("cost: $(A)$(A)", "cost: 11"),
        ],
    )
    def test_references_are_expanded_as_the_api_says(self, value: str, expected: str) -> None:
        assert layout.expanded(value, {"A": "1", "B": "2"}) == expected
