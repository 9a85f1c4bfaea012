"""Where a zone is (account, region, partition) and what its things are called: physical names and ARNs."""

from __future__ import annotations

from dataclasses import dataclass

# Longest physical name per kind: S3 bucket and IAM role from the API models of botocore, the rest far above.
LONGEST = {"s3": 63, "iam-role": 64, "iam-policy": 128, "ecr": 256, "kms-alias": 256, "log-group": 512}


@dataclass(frozen=True, slots=True)
class Place:
    """One owner of names, a zone or an account (`name`), in one account and region.

    `disposable`: a destroy may delete what is stored here.
    """

    name: str
    account: str
    region: str
    partition: str
    suffix: str
    disposable: bool

    def physical(self, kind: str, use: str) -> str:
        """The physical name of `use`, such as `aws-euc1-data-1a2b3c4d`; raises ValueError when it is too long."""
        name = f"{self.name}-{use}-{self.suffix}"
        if len(name) > LONGEST[kind]:
            raise ValueError(f"{name!r} is {len(name)} characters long; {kind} takes {LONGEST[kind]}")
        return name

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """The ARN of `resource`; IAM and S3 pass empty strings for the parts their ARNs leave out."""
        region = self.region if region is None else region
        account = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    def bucket_arn(self, bucket: str) -> str:
        """The ARN of an S3 bucket."""
        return self.arn("s3", bucket, region="", account="")

    def role_arn(self, role: str) -> str:
        """The ARN of an IAM role without a path."""
        return self.arn("iam", f"role/{role}", region="")

    def log_group_arn(self, group: str) -> str:
        """The ARN of a log group, without the `:*` that means its streams."""
        return self.arn("logs", f"log-group:{group}")
