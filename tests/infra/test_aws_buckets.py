"""What a zone's buckets on AWS forget: old versions and broken uploads always, checkpoints and code in time."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pytest

from infra.aws.site import Site
from infra.aws.storage import Storage, StorageArgs
from tests.infra.documents import KEY, PLACE
from tests.infra.recorded import record

# pulumi_aws warns about classes of its own that nobody here uses, as soon as a module of it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_old_versions_and_abandoned_uploads_always_go_and_current_checkpoints_after_their_time() -> None:
    def program() -> None:
        site = Site(PLACE, aws.Provider("aws-euc1"))
        Storage(site.name("storage"), StorageArgs(site, pulumi.Output.from_input(KEY), 90, {}))

    kept = {
        made.name.rpartition("-")[2]: {rule["id"]: rule for rule in made.inputs["rules"]}
        for made in record(program).of("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    }
    assert set(kept) == {"data", "output", "checkpoints", "logs"}
    for rules in kept.values():
        assert rules["tidy"]["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
        assert rules["tidy"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    expiring = {
        use: [(rule["filter"], rule["expiration"]) for rule in rules.values() if "expiration" in rule]
        for use, rules in kept.items()
    }
    everything = ({"prefix": ""}, {"days": 90})
    assert expiring == {
        "checkpoints": [everything],
        "logs": [everything],
        "output": [],
        "data": [({"prefix": "code/"}, {"days": 180})],
    }
