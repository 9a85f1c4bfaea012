"""A little of everything that the engine does to a Google Cloud resource, steered by the environment."""

import json
import os

import pulumi
import pulumi_gcp as gcp

want = json.loads(os.environ.get("WANT", "{}"))
url = os.environ["DISPATCH_GCP_ENDPOINT"]
project = os.environ["GOOGLE_CLOUD_PROJECT"]
home = gcp.Provider(
    "home",
    project=project,
    region="us-central1",
    access_token="testing",
    default_labels={"owner": "ml"},
    storage_custom_endpoint=f"{url}/storage/storage/v1/",
)
opts = pulumi.ResourceOptions(provider=home)
ask = pulumi.InvokeOptions(provider=home)


def after(*things: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=home, depends_on=list(things))


services = [
    gcp.projects.Service(name, service=f"{name}.googleapis.com", opts=opts)
    for name in ("artifactregistry", "cloudkms", "compute", "iam")
]
ring = gcp.kms.KeyRing("ring", location="us-central1", opts=after(*services))
key = gcp.kms.CryptoKey("key", key_ring=ring.id, rotation_period="7776000s", name="data", opts=opts)
agent = gcp.projects.ServiceIdentity("images", service="artifactregistry.googleapis.com", opts=after(*services))
grant = gcp.kms.CryptoKeyIAMMember(
    "images",
    crypto_key_id=key.id,
    role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
    member=agent.member,
    opts=opts,
)
images = gcp.artifactregistry.Repository(
    "images",
    repository_id="images",
    location="us-central1",
    format="DOCKER",
    kms_key_name=key.id,
    docker_config={"immutable_tags": want.get("immutable", True)},
    opts=after(grant) if not want.get("ungranted") else after(*services),
)
bucket = gcp.storage.Bucket(
    "data",
    location="us-central1",
    force_destroy=True,
    uniform_bucket_level_access=True,
    labels={"class": want.get("class", "internal")},
    opts=opts,
)
if want.get("locked"):
    gcp.storage.Bucket("locked", location="us-central1", deletion_policy="PREVENT", opts=opts)
account = gcp.serviceaccount.Account("runner", account_id="runner-1", opts=after(*services))
gcp.storage.BucketIAMMember(
    "data", bucket=bucket.name, role="roles/storage.objectViewer", member=account.member, opts=opts
)
network = gcp.compute.Network("net", name="net", auto_create_subnetworks=False, opts=after(*services))
subnet = gcp.compute.Subnetwork(
    "subnet",
    name="subnet",
    network=network.id,
    ip_cidr_range="10.0.0.0/24",
    private_ip_google_access=want.get("private", True),
    opts=opts,
)
if want.get("address"):
    gcp.compute.GlobalAddress(
        "endpoint",
        name="endpoint",
        purpose="PRIVATE_SERVICE_CONNECT",
        address_type="INTERNAL",
        address=want["address"],
        network=network.id,
        opts=opts,
    )
if want.get("secret"):
    role = pulumi.Output.secret("roles/storage.objectCreator")
    gcp.storage.BucketIAMMember("secret", bucket=bucket.name, role=role, member=account.member, opts=opts)
if want.get("adopt"):
    gcp.storage.Bucket(
        "adopted",
        name=want["adopt"],
        location="US-CENTRAL1",
        opts=pulumi.ResourceOptions(provider=home, import_=want["adopt"]),
    )
if want.get("wrong"):
    gcp.compute.Firewall("wrong", name="Wrong", network=network.id, allows=[{"protocol": "tcp"}], opts=opts)
if want.get("nobody"):
    gcp.storage.BucketIAMMember(
        "nobody",
        bucket=bucket.name,
        role="roles/storage.objectViewer",
        member=f"serviceAccount:nobody@{project}.iam.gserviceaccount.com",
        opts=opts,
    )
if want.get("unknown"):

    class Colour(pulumi.CustomResource):
        """A type that no provider has."""

    Colour("gcp:paint/colour:Colour", "red", {}, opts)

pulumi.export("bucket", bucket.name)
pulumi.export("images", images.registry_uri)
pulumi.export("key", key.id)
pulumi.export("number", gcp.organizations.get_project(project_id=project, opts=ask).number)
pulumi.export("subnet", subnet.self_link)
