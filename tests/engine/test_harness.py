"""The lane's own instruments: a harness that saw nothing would make every other test of the lane green."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.altered import altered
from tests.engine.census import census
from tests.engine.ground import Ground
from tests.engine.project import PulumiFailed

pytestmark = pytest.mark.engine

TINY = """
import os
import pulumi
import pulumi_aws as aws

url = os.environ["AWS_ENDPOINT_URL"]
local = aws.Provider("local", region="us-east-1", access_key="testing", secret_key="testing",
                     s3_use_path_style=True, http_proxy=url, no_proxy="127.0.0.1,localhost",
                     endpoints=[{"s3": url, "logs": url, "sts": url}], skip_credentials_validation=True)
opts = pulumi.ResourceOptions(provider=local)
bucket = aws.s3.Bucket("data", bucket="harness-data", opts=opts)
group = aws.cloudwatch.LogGroup("records", name="/harness", retention_in_days=7, opts=opts)
if os.environ.get("HARNESS_FAILS"):
    raise RuntimeError("the program gave up")
pulumi.export("bucket", bucket.bucket)
"""


def tiny(folder: Path) -> None:
    (folder / "infra").mkdir()
    (folder / "infra" / "__main__.py").write_text(TINY)


def test_verbs_report_what_happened_to_each_resource(own: Ground) -> None:
    project = own.project("tiny", {"launchway:owner": "tests"}, tiny)
    assert project.up().names("create") == ["data", "launchway-tiny", "local", "records"]
    assert project.outputs() == {"bucket": "harness-data"}
    assert project.export()["aws:s3/bucket:Bucket", "data"].id == "harness-data"
    assert project.preview("--expect-no-changes").changes == {}
    assert set(census(own.cloud, "aws", "us-east-1")) == {"s3.Buckets", "logs.logGroups"}
    assert set(project.destroy().changes.values()) == {"delete"}
    assert census(own.cloud, "aws", "us-east-1") == {}


def test_a_plan_tells_updates_from_replacements_and_names_the_property(
    own: Ground,
) -> None:
    project = own.project("tiny", {"launchway:owner": "tests"}, tiny)
    project.up()
    own.cloud.client("logs").put_retention_policy(logGroupName="/harness", retentionInDays=30)
    assert project.refresh().changes == {"records (aws:cloudwatch/logGroup:LogGroup)": "update"}
    step = project.preview().steps["aws:cloudwatch/logGroup:LogGroup", "records"]
    assert (step.op, step.changed, step.replacing) == ("update", ("retentionInDays",), ())
    own.cloud.client("s3").delete_bucket(Bucket="harness-data")
    assert project.refresh().changes == {"data (aws:s3/bucket:Bucket)": "delete"}


def test_a_failure_says_what_the_engine_said(own: Ground) -> None:
    failing = {**own.environment, "HARNESS_FAILS": "1"}
    project = Ground(own.cloud, failing, own.folder).project("tiny", {"launchway:owner": "t"}, tiny)
    with pytest.raises(PulumiFailed, match="the program gave up"):
        project.up()
    assert project.up(check=False).code != 0


def test_a_planned_change_touches_the_resource_it_names_and_no_other(own: Ground, tmp_path: Path) -> None:
    project = own.project("tiny", {"launchway:owner": "tests"}, tiny)
    project.up()
    change = {"type": "aws:cloudwatch/logGroup:LogGroup", "name": "rec*", "set": {"retentionInDays": 3}}
    other = altered(project, [change], tmp_path / "other", project.folder / "infra" / "__main__.py")
    step = other.preview().steps["aws:cloudwatch/logGroup:LogGroup", "records"]
    assert (step.op, step.changed) == ("update", ("retentionInDays",))
    assert other.preview().changes == {"records (aws:cloudwatch/logGroup:LogGroup)": "update"}
