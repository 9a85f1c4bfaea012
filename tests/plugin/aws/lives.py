"""What each type is made with and changed to in test_handlers."""

from __future__ import annotations

import json
from typing import Any

OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
TRUST = json.dumps({**OPEN, "Statement": [{**OPEN["Statement"][0], "Action": "sts:AssumeRole"}]})
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)
DENY = ALLOW.replace("Allow", "Deny")
EXPIRE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1},
                "action": {"type": "expire"},
            }
        ]
    }
)
DELIVERY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": ["s3:PutObject"],
                "Resource": "arn:aws:s3:::%s/*",
            }
        ],
    }
)
LOGS = "arn:aws:logs:eu-central-1:123456789012:log-group:flow"
ROLE = "arn:aws:iam::123456789012:role/flow"

# Token (its module and type) -> inputs, what an update sets. `$name` is the id of another row's resource.
LIVES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "s3/bucket:Bucket": ({"bucket": "data", "tags": {"a": "1"}}, {"tags": {"a": "2", "b": "3"}}),
    "s3/bucketOwnershipControls:BucketOwnershipControls": (
        {"bucket": "$Bucket", "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "ObjectWriter"}},
    ),
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        {"bucket": "$Bucket", "blockPublicAcls": True, "blockPublicPolicy": True},
        {"blockPublicPolicy": False, "ignorePublicAcls": True},
    ),
    "s3/bucketVersioning:BucketVersioning": (
        {"bucket": "$Bucket", "versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
    ),
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        {"bucket": "$Bucket", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}]},
    ),
    "s3/bucketPolicy:BucketPolicy": ({"bucket": "$Bucket", "policy": ALLOW}, {"policy": DENY}),
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        {"bucket": "$Bucket", "rules": [{"id": "a", "status": "Enabled", "expiration": {"days": 9}}]},
        {
            "rules": [
                {
                    "id": "z",
                    "status": "Disabled",
                    "filter": {"tag": {"key": "k", "value": "v"}},
                    "expiration": {"days": 1},
                },
                {
                    "id": "b",
                    "status": "Enabled",
                    "filter": {"and": {"prefix": "p/", "tags": {"a": "b"}}},
                    "noncurrentVersionExpiration": {"noncurrentDays": 3},
                    "transitions": [{"days": 30, "storageClass": "GLACIER"}],
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
            ]
        },
    ),
    "s3/bucketLogging:BucketLogging": (
        {"bucket": "$Bucket", "targetBucket": "$Bucket", "targetPrefix": "a/"},
        {"targetPrefix": "b/"},
    ),
    "kms/key:Key": (
        {"description": "d", "enableKeyRotation": True, "deletionWindowInDays": 7, "tags": {"a": "1"}},
        {"description": "e", "enableKeyRotation": False, "policy": TRUST, "tags": {"b": "2"}},
    ),
    "kms/alias:Alias": ({"name": "alias/a", "targetKeyId": "$Key"}, {}),
    "iam/role:Role": (
        {"name": "r", "assumeRolePolicy": TRUST, "tags": {"a": "1"}},
        {"description": "d", "maxSessionDuration": 7200, "tags": {"b": "1"}},
    ),
    "iam/policy:Policy": ({"name": "p", "policy": ALLOW, "tags": {"a": "1"}}, {"policy": DENY, "tags": {}}),
    "iam/rolePolicyAttachment:RolePolicyAttachment": ({"role": "$Role", "policyArn": "$Policy"}, {}),
    "iam/openIdConnectProvider:OpenIdConnectProvider": (
        {"url": "https://ci.example.org", "clientIdLists": ["a", "b"], "thumbprintLists": ["a" * 40]},
        {"thumbprintLists": ["b" * 40], "tags": {"a": "1"}},
    ),
    "ecr/repository:Repository": (
        {"name": "images", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}},
        {"imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": False}, "tags": {"a": "1"}},
    ),
    "ecr/lifecyclePolicy:LifecyclePolicy": ({"repository": "$Repository", "policy": EXPIRE}, {}),
    "ecr/repositoryPolicy:RepositoryPolicy": (
        {"repository": "$Repository", "policy": TRUST},
        {"policy": TRUST.replace("sts:AssumeRole", "ecr:*")},
    ),
    "cloudwatch/logGroup:LogGroup": (
        {"name": "/jobs", "retentionInDays": 7, "tags": {"a": "1"}},
        {"retentionInDays": 30, "tags": {"b": "2"}},
    ),
    "ec2/vpc:Vpc": (
        {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "a"}},
        {"enableDnsHostnames": False, "tags": {"Name": "b"}},
    ),
    "ec2/subnet:Subnet": (
        {"vpcId": "$Vpc", "cidrBlock": "10.0.1.0/24", "availabilityZone": "eu-central-1a"},
        {"mapPublicIpOnLaunch": True, "tags": {"a": "1"}},
    ),
    "ec2/internetGateway:InternetGateway": ({"vpcId": "$Vpc"}, {"tags": {"a": "1"}}),
    "ec2/eip:Eip": ({"domain": "vpc"}, {"tags": {"a": "1"}}),
    "ec2/natGateway:NatGateway": ({"subnetId": "$Subnet", "allocationId": "$Eip"}, {"tags": {"a": "1"}}),
    "ec2/routeTable:RouteTable": ({"vpcId": "$Vpc"}, {"tags": {"a": "1"}}),
    "ec2/route:Route": (
        {"routeTableId": "$RouteTable", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "$InternetGateway"},
        {"gatewayId": None, "natGatewayId": "$NatGateway"},
    ),
    "ec2/routeTableAssociation:RouteTableAssociation": (
        {"routeTableId": "$RouteTable", "subnetId": "$Subnet"},
        {},
    ),
    "ec2/securityGroup:SecurityGroup": (
        {"name": "jobs", "description": "jobs", "vpcId": "$Vpc"},
        {"tags": {"a": "1"}},
    ),
    "ec2/defaultSecurityGroup:DefaultSecurityGroup": ({"vpcId": "$Vpc"}, {"tags": {"a": "1"}}),
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        {
            "securityGroupId": "$SecurityGroup",
            "ipProtocol": "tcp",
            "fromPort": 1,
            "toPort": 2,
            "cidrIpv4": "10.0.0.0/8",
        },
        {"tags": {"a": "1"}},
    ),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        {"securityGroupId": "$SecurityGroup", "ipProtocol": "all", "referencedSecurityGroupId": "$SecurityGroup"},
        {"tags": {"a": "1"}},
    ),
    "ec2/vpcEndpoint:VpcEndpoint": (
        {
            "vpcId": "$Vpc",
            "serviceName": "com.amazonaws.eu-central-1.sts",
            "vpcEndpointType": "Interface",
            "subnetIds": ["$Subnet"],
            "securityGroupIds": ["$SecurityGroup"],
            "privateDnsEnabled": True,
        },
        {"policy": TRUST, "tags": {"a": "1"}},
    ),
    "ec2/flowLog:FlowLog": (
        {"vpcId": "$Vpc", "trafficType": "ALL", "logDestination": LOGS, "iamRoleArn": ROLE},
        {"tags": {"a": "1"}},
    ),
    "cloudtrail/trail:Trail": (
        {"name": "main", "s3BucketName": "$Bucket", "enableLogFileValidation": True, "tags": {"a": "1"}},
        {
            "enableLogging": False,
            "isMultiRegionTrail": True,
            "eventSelectors": [{"dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}],
            "tags": {"b": "2"},
        },
    ),
    "budgets/budget:Budget": (
        {"name": "month", "budgetType": "COST", "limitAmount": "100.0", "limitUnit": "USD", "timeUnit": "MONTHLY"},
        {},
    ),
    "secretsmanager/secret:Secret": (
        {"name": "key", "recoveryWindowInDays": 0, "tags": {"a": "1"}},
        {"description": "d", "policy": TRUST, "tags": {"b": "2"}},
    ),
}
LIVES = {f"aws:{token}": life for token, life in LIVES.items()}
