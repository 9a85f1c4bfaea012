"""A little of everything that the engine does to a resource, steered by the environment."""

import json
import os

import pulumi
import pulumi_aws as aws

want = json.loads(os.environ.get("WANT", "{}"))
home = aws.Provider(
    "home",
    region="eu-central-1",
    allowed_account_ids=want.get("allowed", ["123456789012"]),
    default_tags={"tags": {"owner": "ml"}},
    s3_use_path_style=True,
)
away = aws.Provider("away", region="eu-west-1", s3_use_path_style=True)
opts = pulumi.ResourceOptions(provider=home)

bucket = aws.s3.Bucket("data", force_destroy=True, tags={"class": want.get("class", "internal")}, opts=opts)
aws.s3.BucketPublicAccessBlock(
    "data", bucket=bucket.id, block_public_acls=True, block_public_policy=True, opts=opts
)
policy = bucket.arn.apply(
    lambda arn: json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Deny", "Principal": "*", "Action": ["s3:Get*", "s3:Put*"], "Resource": f"{arn}/*"}
            ],
        },
        indent=want.get("indent"),
    )
)
aws.s3.BucketPolicy("data", bucket=bucket.id, policy=policy, opts=opts)
key = aws.kms.Key("key", deletion_window_in_days=7, enable_key_rotation=True, opts=opts)
images = aws.ecr.Repository(
    "images",
    name=f"app/{pulumi.get_stack()}",
    force_delete=True,
    encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
    image_scanning_configuration={"scan_on_push": want.get("scan", True)},
    opts=opts,
)
aws.ecr.RepositoryPolicy("images", repository=images.name, policy=policy, opts=opts)
if want.get("replace"):
    aws.cloudwatch.LogGroup("logs", name=want["replace"], opts=opts)
role = aws.iam.Role(
    "role", assume_role_policy=pulumi.Output.secret(json.dumps({"Version": "2012-10-17"})), opts=opts
)
aws.kms.Key("far", deletion_window_in_days=7, opts=pulumi.ResourceOptions(provider=away))
aws.cloudwatch.LogGroup("near", region="us-west-2", opts=opts)
if want.get("adopt"):
    aws.s3.Bucket(
        "adopted", bucket=want["adopt"], opts=pulumi.ResourceOptions(provider=home, import_=want["adopt"])
    )
if want.get("wrong"):
    aws.s3.BucketVersioning("wrong", bucket=bucket.id, versioning_configuration={"status": "On"}, opts=opts)
if want.get("taken"):
    aws.s3.Bucket("taken", bucket=bucket.id, opts=opts)
if want.get("unknown"):

    class Colour(pulumi.CustomResource):
        """A type that no provider has."""

    Colour("aws:paint/colour:Colour", "red", {}, opts)

pulumi.export("bucket", bucket.id)
pulumi.export("arn", bucket.arn)
pulumi.export("images", images.repository_url)
pulumi.export("role", role.assume_role_policy)
pulumi.export("account", aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=home)).account_id)
