"""Buckets, keys and the registry, as the cloud reports them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.security.gcp.view import View

_EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
_USES_KEYS = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
_QUARTER = 90 * 86_400  # seconds


def public_access_is_prevented(view: View) -> Iterator[str]:
    """Enforced on the bucket itself, whatever the organisation says."""
    for bucket in view.buckets:
        found = bucket["iamConfiguration"].get("publicAccessPrevention")
        if found != "enforced":
            yield f"{bucket['name']}: public access prevention is {found}"


def acls_are_disabled(view: View) -> Iterator[str]:
    """Only IAM counts: uniform bucket-level access."""
    for bucket in view.buckets:
        if not bucket["iamConfiguration"].get("uniformBucketLevelAccess", {}).get("enabled"):
            yield f"{bucket['name']} has ACLs"


def data_is_encrypted_with_the_zones_key(view: View) -> Iterator[str]:
    """The data key is the default of every bucket."""
    for bucket in view.buckets:
        if (key := bucket.get("encryption", {}).get("defaultKmsKeyName")) != view.zone.keys.data:
            yield f"{bucket['name']} is encrypted with {key}"


def only_uploads_under_a_key_of_ours_pass(view: View) -> Iterator[str]:
    """An upload that asks for Google's key, or brings one of its own, is refused."""
    for bucket in view.buckets:
        encryption = bucket.get("encryption", {})
        for kind in ("googleManaged", "customerSupplied"):
            found = encryption.get(f"{kind}EncryptionEnforcementConfig", {}).get("restrictionMode")
            if found != "FullyRestricted":
                yield f"{bucket['name']} takes uploads under a {kind} key"


def versions_are_kept(view: View) -> Iterator[str]:
    """Versioning of every bucket."""
    for bucket in view.buckets:
        if not bucket.get("versioning", {}).get("enabled"):
            yield f"{bucket['name']} keeps no versions"


def soft_delete_is_said(view: View) -> Iterator[str]:
    """How long deleted objects can be restored is set by us: GCS keeps them for 7 days when nobody says."""
    for bucket in view.buckets:
        if int(bucket.get("softDeletePolicy", {}).get("retentionDurationSeconds", 7 * 86_400)):
            yield f"{bucket['name']} of a disposable zone keeps what was deleted"


def old_things_go(view: View) -> Iterator[str]:
    """Rules that end broken uploads and old versions, on every bucket."""
    for bucket in view.buckets:
        rules = bucket.get("lifecycle", {}).get("rule", [])
        kinds = {rule["action"]["type"] for rule in rules}
        if "AbortIncompleteMultipartUpload" not in kinds:
            yield f"{bucket['name']} keeps the parts of broken uploads for ever"
        if not any("daysSinceNoncurrentTime" in rule["condition"] for rule in rules):
            yield f"{bucket['name']} keeps old versions for ever"


def code_goes_and_data_stays(view: View) -> Iterator[str]:
    """Of the bucket of data, what lies in the folder of code goes after a time, and nothing else ever does."""
    for bucket in view.buckets:
        if bucket["name"] == view.zone.buckets.data.name:
            rules = [rule for rule in bucket["lifecycle"]["rule"] if rule["action"]["type"] == "Delete"]
            live = [rule["condition"] for rule in rules if rule["condition"].get("isLive") is not False]
            going = [condition.get("matchesPrefix") for condition in live]
            if going != [["code/"]]:
                yield f"{bucket['name']} deletes {going}"


def everything_lies_in_the_region(view: View) -> Iterator[str]:
    """No bucket, key ring or repository outside the zone's region."""
    for bucket in view.buckets:
        if bucket["location"].lower() != view.zone.region:
            yield f"{bucket['name']} lies in {bucket['location']}"
    named = [view.zone.registry.id, view.zone.keys.data, view.zone.keys.registry, view.zone.keys.logs]
    yield from (f"{name} is elsewhere" for name in named if f"/locations/{view.zone.region}/" not in name)


def nobody_is_granted_publicly(view: View) -> Iterator[str]:
    """No binding for everybody, on anything."""
    for what in view.everything:
        for binding in view.bindings(what):
            if _EVERYBODY & set(binding["members"]):
                yield f"{what} gives everybody {binding['role']}"


def keys_rotate(view: View) -> Iterator[str]:
    """At least every 90 days."""
    for key in view.keys:
        period = key.get("rotationPeriod")
        if not period or float(period.rstrip("s")) > _QUARTER:
            yield f"{key['name']} rotates every {period}"


def keys_are_apart(view: View) -> Iterator[str]:
    """Data, registry and logs do not share a key: who may read logs may not read data."""
    keys = view.zone.keys
    if len({keys.data, keys.registry, keys.logs}) != 3:
        yield f"only {len({keys.data, keys.registry, keys.logs})} keys"


def only_agents_of_this_project_use_keys(view: View) -> Iterator[str]:
    """Keys are used by service agents of Google's that belong to this project, with the one role for that."""
    for key in view.keys:
        for binding in view.bindings(key["name"]):
            if binding["role"] != _USES_KEYS:
                yield f"{binding['role']} on {key['name']}"
            for member in binding["members"]:
                agent = member.endswith(".iam.gserviceaccount.com") and view.zone.project_number in member
                if not agent:
                    yield f"{member} uses {key['name']}"


def agents_can_use_the_key_they_need(view: View) -> Iterator[str]:
    """Storage and Vertex AI the data key, Artifact Registry that of the registry, Logging that of the logs."""
    keys, number = view.zone.keys, view.zone.project_number
    needed = {
        f"service-{number}@gs-project-accounts.iam.gserviceaccount.com": keys.data,
        f"service-{number}@gcp-sa-aiplatform.iam.gserviceaccount.com": keys.data,
        f"service-{number}@gcp-sa-artifactregistry.iam.gserviceaccount.com": keys.registry,
        f"cmek-p{number}@gcp-sa-logging.iam.gserviceaccount.com": keys.logs,
    }
    for agent, key in needed.items():
        holders = [member for binding in view.bindings(key) for member in binding["members"]]
        if f"serviceAccount:{agent}" not in holders:
            yield f"{agent} may not use {key}"


def image_tags_are_immutable(view: View) -> Iterator[str]:
    """A tag that was pushed once always means the same image."""
    if not view.repository.get("dockerConfig", {}).get("immutableTags"):
        yield "tags can be moved"


def images_are_scanned_on_push(view: View) -> Iterator[str]:
    """Scanning follows the project, where the API is enabled; it is not switched off."""
    found = view.repository.get("vulnerabilityScanningConfig", {}).get("enablementConfig")
    if found != "INHERITED":
        yield f"scanning is {found}"


def images_are_encrypted_with_the_registrys_key(view: View) -> Iterator[str]:
    """A key of its own for the registry."""
    if (key := view.repository.get("kmsKeyName")) != view.zone.keys.registry:
        yield f"images are encrypted with {key}"


def old_images_go(view: View) -> Iterator[str]:
    """A cleanup policy that really deletes."""
    if not view.repository.get("cleanupPolicies") or view.repository.get("cleanupPolicyDryRun"):
        yield "untagged images stay for ever"


def vertex_can_pull_images(view: View) -> Iterator[str]:
    """It is Vertex AI's own service agent that pulls, not the account a job runs as."""
    agent = f"serviceAccount:service-{view.zone.project_number}@gcp-sa-aiplatform.iam.gserviceaccount.com"
    readers = [
        member
        for binding in view.bindings(view.zone.registry.id)
        if binding["role"] == "roles/artifactregistry.reader"
        for member in binding["members"]
    ]
    if agent not in readers:
        yield f"{agent} cannot pull"


def secrets_stay_in_the_region_under_the_zones_key(view: View) -> Iterator[str]:
    """`automatic` replication keeps a secret wherever Google likes, under Google's own key."""
    region, key = view.zone.region, view.zone.keys.data
    for secret in view.every("secretmanager", f"/v1/{view.project}/secrets", "secrets"):
        replicas = secret["replication"].get("userManaged", {}).get("replicas", [])
        kept = [(one["location"], one.get("customerManagedEncryption", {}).get("kmsKeyName")) for one in replicas]
        if kept != [(region, key)]:
            yield f"{secret['name']} is kept in {kept or 'any region'}"
