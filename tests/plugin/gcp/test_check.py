"""What the stand-in refuses before anything is made, where it says the mistake is, and what it fills in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from localcloud.plugin.diff import difference
from localcloud.plugin.gcp.provider import GcpProvider
from localcloud.plugin.gcp.rest import table
from localcloud.plugin.gcp.session import Gcp, Settings
from localcloud.plugin.provider import ProviderError, Subject
from localcloud.plugin.schema import Checked
from localcloud.plugin.values import UNKNOWN

SEED = b"a seed of the engine, 32 bytes.."
BUCKET = "gcp:storage/bucket:Bucket"
FIREWALL = "gcp:compute/firewall:Firewall"
SUBNET = "gcp:compute/subnetwork:Subnetwork"
ACCOUNT = "gcp:serviceaccount/account:Account"
ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
KEY = "gcp:kms/cryptoKey:CryptoKey"
MEMBER = "gcp:projects/iAMMember:IAMMember"
POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
RULE = "gcp:compute/globalForwardingRule:GlobalForwardingRule"


def provider(**settings: Any) -> GcpProvider:
    made = GcpProvider()
    made._connection = Gcp(Settings(project="launchway-local", region="us-central1", token="testing", **settings))
    return made


def check(token: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None, name: str = "Thing") -> Checked:
    return provider().check(Subject(token, name), olds or {}, inputs, SEED, None)


MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    # type, inputs, path of the mistake, words of the reason
    (BUCKET, {"location": "EU", "colour": "red"}, "colour", "not expected here"),
    (BUCKET, {"location": "EU", "selfLink": "x"}, "selfLink", "output only"),
    (BUCKET, {}, "location", 'The argument "location" is required'),
    (BUCKET, {"location": "EU", "labels": {"Team": "ml"}}, "labels", '"Team" is an invalid label key'),
    (
        BUCKET,
        {"location": "EU", "lifecycleRules": [{"action": {"type": "Delete"}, "condition": {"withState": "DEAD"}}]},
        "lifecycleRules[0].condition.withState",
        "LIVE",
    ),
    (FIREWALL, {"network": "n"}, "allows", "one of `allow,deny` must be specified"),
    (
        FIREWALL,
        {"network": "n", "allows": [{"protocol": "tcp"}], "denies": [{"protocol": "tcp"}]},
        "allows",
        "only one of `allow,deny`",
    ),
    (
        FIREWALL,
        {"network": "n", "allows": [{"protocol": "tcp"}], "direction": "UP"},
        "direction",
        'expected direction to be one of ["INGRESS" "EGRESS" ""], got UP',
    ),
    (FIREWALL, {"network": "n", "allows": [{"protocol": "tcp"}], "priority": 65536}, "priority", "(0 - 65535)"),
    (FIREWALL, {"network": "n", "allows": [{"protocol": "tcp"}], "name": "Wrong"}, "name", "doesn't match regexp"),
    (SUBNET, {"network": "n", "ipCidrRange": "10.0.0.0"}, "ipCidrRange", "is not a valid IP CIDR range"),
    (ACCOUNT, {"accountId": "five5"}, "accountId", "in the range (6 - 30)"),
    (ACCOUNT, {"accountId": "Upper-case"}, "accountId", "must match regexp"),
    (ROLE, {"roleId": "with-dash", "title": "t", "permissions": ["a.b.c"]}, "roleId", "doesn't match regexp"),
    (KEY, {"keyRing": "r", "rotationPeriod": "3600s"}, "rotationPeriod", "greater than one day"),
    (MEMBER, {"project": "p", "role": "roles/viewer", "member": "me"}, "member", "IAM members must have one of"),
    (MEMBER, {"project": "p", "role": "r", "member": "deleted:user:x"}, "member", "deleted principals"),
    (POOL, {"workloadIdentityPoolId": "gcp-pool"}, "workloadIdentityPoolId", "cannot start with 'gcp-'"),
    ("gcp:projects/service:Service", {"service": "compute"}, "service", "to be a domain"),
    (
        "gcp:dns/recordSet:RecordSet",
        {"name": "a.example.org", "managedZone": "z", "type": "A", "rrdatas": ["10.0.0.1"]},
        "name",
        "must end with trailing dot",
    ),
    ("gcp:compute/router:Router", {"network": "n", "bgp": {"asn": 1}}, "bgp.asn", "(64512 - 65534)"),
]


@pytest.mark.parametrize(("token", "inputs", "path", "reason"), MISTAKES)
def test_a_mistake_is_refused_at_its_place(token: str, inputs: dict[str, Any], path: str, reason: str) -> None:
    told = {failure.property: failure.reason for failure in check(token, inputs).failures}
    assert reason in told[path]


def test_what_is_not_known_yet_is_no_mistake() -> None:
    assert check(FIREWALL, {"network": UNKNOWN, "allows": UNKNOWN}).failures == ()
    assert check(KEY, {"keyRing": UNKNOWN, "rotationPeriod": UNKNOWN, "name": UNKNOWN}).failures == ()


def test_defaults_are_filled_in_and_noted() -> None:
    found = check(FIREWALL, {"network": "n", "allows": [{"protocol": "tcp"}], "name": "f"}).inputs
    assert (found["priority"], found["__defaults"]) == (1000, ["priority"])
    assert check("gcp:dns/managedZone:ManagedZone", {"name": "z", "dnsName": "a."}).inputs["description"] == (
        "Managed by Pulumi"
    )


@pytest.mark.parametrize(
    ("token", "inputs", "property", "name"),
    [
        ("gcp:kms/keyRing:KeyRing", {"location": "global"}, "name", "Thing-[0-9a-f]{7}"),
        ("gcp:compute/network:Network", {}, "name", "thing-[0-9a-f]{7}"),
        (ROLE, {"title": "t", "permissions": ["a.b.c"]}, "roleId", "Thing-[0-9a-f]{7}"),
    ],
)
def test_an_automatic_name_has_the_bridges_form(
    token: str, inputs: dict[str, Any], property: str, name: str
) -> None:
    found = check(token, inputs).inputs
    assert found["__defaults"].count(property) == 1
    assert re.fullmatch(name, found[property])


def test_a_forwarding_rule_named_by_the_engine_would_be_refused_by_google_not_by_the_provider() -> None:
    """The trap of rules for Google's APIs: their names take 20 letters and digits, and no hyphen."""
    assert "-" in check(RULE, {"target": "all-apis"}).inputs["name"]


def test_records_are_not_named_by_the_engine() -> None:
    told = check("gcp:dns/recordSet:RecordSet", {"managedZone": "z", "type": "A"}).failures
    assert "name" in {failure.property for failure in told}


def change(token: str, state: dict[str, Any], news: dict[str, Any]) -> dict[str, bool]:
    found = difference(table()[token], state, news)
    return {str(one.path[0]): one.replace for one in found.changes}


def test_what_the_provider_takes_for_the_same_is_no_change() -> None:
    link = "https://www.googleapis.com/compute/v1/projects/p/global/networks/n"
    for given in ("n", "projects/p/global/networks/n", link):
        assert change(FIREWALL, {"network": link}, {"network": given}) == {}
    assert change(FIREWALL, {"network": link}, {"network": "m"}) == {"network": False}
    assert change(SUBNET, {"network": link}, {"network": "m"}) == {"network": True}
    assert change(RULE, {"ipAddress": "10.0.0.5"}, {"ipAddress": "projects/p/global/addresses/a"}) == {}
    assert change(RULE, {"ipAddress": "10.0.0.5"}, {"ipAddress": "10.0.0.6"}) == {"ipAddress": True}
    assert change(MEMBER, {"member": "user:A@x.org"}, {"member": "user:a@x.org"}) == {}
    assert change(MEMBER, {"member": "principalSet://A"}, {"member": "principalSet://a"}) == {"member": True}
    repository = "gcp:artifactregistry/repository:Repository"
    old = [{"id": "a", "condition": {"olderThan": "1209600s"}}]
    assert (
        change(
            repository,
            {"cleanupPolicies": old},
            {"cleanupPolicies": [{"id": "a", "condition": {"olderThan": "14d"}}]},
        )
        == {}
    )


def test_a_member_is_removed_before_its_replacement_is_made() -> None:
    old, new = {"member": "user:a@x", "role": "r"}, {"member": "user:b@x", "role": "r"}
    assert difference(table()[MEMBER], old, new).delete_first


def test_settings_that_the_stand_in_cannot_honour_are_refused() -> None:
    told = {
        failure.property
        for failure in GcpProvider().check_config(
            {
                "credentials": "x",
                "colour": "red",
                "project": "p",
                "defaultLabels": "{}",
                "kmsCustomEndpoint": "http://a",
            }
        )
    }
    assert told == {"credentials", "colour"}


def test_without_a_local_cloud_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPATCH_GCP_ENDPOINT")
    with pytest.raises(ProviderError, match="works on the local cloud only"):
        provider().create(Subject("gcp:kms/keyRing:KeyRing", "x"), {"name": "r", "location": "global"})


def test_an_endpoint_of_the_configuration_goes_before_the_variable(tmp_path: Path) -> None:
    gcp = provider(endpoints={"kmsCustomEndpoint": "http://127.0.0.1:2/kms/v1"}).connection
    assert gcp.base("kms_custom_endpoint", "https://cloudkms.googleapis.com/v1/") == "http://127.0.0.1:2/kms/v1/"
    assert gcp.base("dns_custom_endpoint", "https://dns.googleapis.com/dns/v1/").endswith("/_gcp/dns/dns/v1/")


def test_an_endpoint_that_leaves_this_machine_is_refused() -> None:
    with pytest.raises(ProviderError, match="loopback"):
        provider(endpoints={"kmsCustomEndpoint": "https://cloudkms.googleapis.com/v1/"}).connection.base(
            "kms_custom_endpoint", "https://cloudkms.googleapis.com/v1/"
        )
