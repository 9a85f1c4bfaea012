"""The Pulumi program: walking skeleton, one bucket and the contract."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi
import pulumi_aws as aws

from dispatcher.contract import Contract, as_json

url = os.environ["AWS_ENDPOINT_URL"]
provider = aws.Provider(
    "aws-use1",
    region="us-east-1",
    allowed_account_ids=["123456789012"],
    access_key="testing",
    secret_key="testing",
    skip_credentials_validation=True,
    skip_metadata_api_check=True,
    s3_use_path_style=True,
    http_proxy=url,
    no_proxy="127.0.0.1,localhost",
    endpoints=[{"s3": url, "sts": url, "iam": url, "s3control": url, "ec2": url}],
    default_tags={"tags": {"managed-by": "pulumi"}},
)
bucket = aws.s3.Bucket("aws-use1-storage-data", opts=pulumi.ResourceOptions(provider=provider))
pulumi.export("bucket", bucket.bucket)
pulumi.export(
    "contract",
    as_json(Contract(1, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), pulumi.get_stack(), "none", {})),
)
