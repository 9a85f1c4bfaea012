"""What each Google Cloud type is made with and changed to in test_handlers."""

from __future__ import annotations

from typing import Any

P = "launchway-local"
RULE = {"action": {"type": "Delete"}, "condition": {"age": 3, "withState": "ARCHIVED"}}
PERIMETER = {
    "resources": ["projects/123456789012"],
    "restrictedServices": ["storage.googleapis.com"],
    "vpcAccessibleServices": {"enableRestriction": True, "allowedServices": ["RESTRICTED-SERVICES"]},
    "ingressPolicies": [
        {
            "ingressFrom": {"identities": ["user:a@example.org"], "sources": [{"accessLevel": "*"}]},
            "ingressTo": {
                "resources": ["*"],
                "operations": [{"serviceName": "storage.googleapis.com", "methodSelectors": [{"method": "*"}]}],
            },
        }
    ],
}

# Token (its module and type) -> inputs, what an update sets (None takes away). `$name` is the id of another row's
# resource, `$name.output` one of its outputs.
LIVES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "projects/service:Service": ({"service": "run.googleapis.com"}, {"disableOnDestroy": True}),
    "projects/serviceIdentity:ServiceIdentity": ({"service": "artifactregistry.googleapis.com"}, {}),
    "projects/iAMCustomRole:IAMCustomRole": (
        {"roleId": "agent_1", "title": "t", "permissions": ["storage.objects.get"]},
        {"permissions": ["storage.objects.get", "storage.objects.list"], "description": "d"},
    ),
    "projects/iAMMember:IAMMember": (
        {
            "project": P,
            "role": "$IAMCustomRole.name",
            "member": "$Account.member",
            "condition": {"title": "only mine", "expression": "resource.name.startsWith('a')"},
        },
        {},
    ),
    "projects/iAMAuditConfig:IAMAuditConfig": (
        {"project": P, "service": "storage.googleapis.com", "auditLogConfigs": [{"logType": "DATA_READ"}]},
        {"auditLogConfigs": [{"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]},
    ),
    "serviceaccount/account:Account": (
        {"accountId": "runner-1", "displayName": "d"},
        {"displayName": "e", "description": "f", "disabled": True},
    ),
    "serviceaccount/iAMMember:IAMMember": (
        {"serviceAccountId": "$Account", "role": "roles/iam.serviceAccountUser", "member": "user:a@example.org"},
        {},
    ),
    "kms/keyRing:KeyRing": ({"name": "ring", "location": "us-central1"}, {}),
    "kms/cryptoKey:CryptoKey": (
        {
            "name": "key",
            "keyRing": "$KeyRing",
            "rotationPeriod": "7776000s",
            "destroyScheduledDuration": "2592000s",
            "versionTemplate": {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "protectionLevel": "SOFTWARE"},
            "labels": {"a": "1"},
        },
        {"rotationPeriod": "604800s", "labels": {"b": "2"}},
    ),
    "kms/cryptoKeyIAMMember:CryptoKeyIAMMember": (
        {
            "cryptoKeyId": "$CryptoKey",
            "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
            "member": "$ServiceIdentity.member",
        },
        {},
    ),
    "artifactregistry/repository:Repository": (
        {
            "repositoryId": "images",
            "location": "us-central1",
            "format": "DOCKER",
            "dockerConfig": {"immutableTags": True},
            "cleanupPolicies": [
                {"id": "old", "action": "DELETE", "condition": {"tagState": "UNTAGGED", "olderThan": "14d"}}
            ],
            "vulnerabilityScanningConfig": {"enablementConfig": "INHERITED"},
        },
        {"description": "d", "labels": {"a": "1"}, "dockerConfig": {"immutableTags": False}},
    ),
    "artifactregistry/repositoryIamMember:RepositoryIamMember": (
        {
            "project": P,
            "location": "us-central1",
            "repository": "$Repository.name",
            "role": "roles/artifactregistry.reader",
            "member": "$Account.member",
        },
        {},
    ),
    "storage/bucket:Bucket": (
        {
            "name": "data-1",
            "location": "us-central1",
            "uniformBucketLevelAccess": True,
            "publicAccessPrevention": "enforced",
            "versioning": {"enabled": True},
            "softDeletePolicy": {"retentionDurationSeconds": 0},
            "lifecycleRules": [RULE, {"action": {"type": "Delete"}, "condition": {"age": 9}}],
            "labels": {"a": "1"},
        },
        {"labels": {"b": "2"}, "versioning": {"enabled": False}, "lifecycleRules": [RULE]},
    ),
    "storage/bucketIAMMember:BucketIAMMember": (
        {"bucket": "$Bucket", "role": "roles/storage.objectViewer", "member": "$Account.member"},
        {},
    ),
    "compute/network:Network": (
        {"name": "net", "autoCreateSubnetworks": False, "deleteDefaultRoutesOnCreate": True},
        {"routingMode": "GLOBAL"},
    ),
    "compute/subnetwork:Subnetwork": (
        {
            "name": "subnet",
            "network": "$Network",
            "region": "us-central1",
            "ipCidrRange": "10.0.0.0/24",
            "privateIpGoogleAccess": True,
            "logConfig": {"aggregationInterval": "INTERVAL_5_SEC", "flowSampling": 0.5},
        },
        {"privateIpGoogleAccess": False, "logConfig": None},
    ),
    "compute/firewall:Firewall": (
        {
            "name": "deny",
            "network": "$Network",
            "direction": "EGRESS",
            "denies": [{"protocol": "all"}],
            "destinationRanges": ["0.0.0.0/0"],
            "logConfig": {"metadata": "INCLUDE_ALL_METADATA"},
        },
        {"priority": 5, "logConfig": None},
    ),
    "compute/globalAddress:GlobalAddress": (
        {
            "name": "endpoint",
            "purpose": "PRIVATE_SERVICE_CONNECT",
            "addressType": "INTERNAL",
            "address": "10.10.0.5",
            "network": "$Network",
        },
        {"labels": {"a": "1"}},
    ),
    "compute/globalForwardingRule:GlobalForwardingRule": (
        {
            "name": "psc1",
            "target": "all-apis",
            "loadBalancingScheme": "",
            "network": "$Network",
            "ipAddress": "$GlobalAddress",
        },
        {"labels": {"a": "1"}},
    ),
    "compute/networkAttachment:NetworkAttachment": (
        {
            "name": "jobs",
            "region": "us-central1",
            "connectionPreference": "ACCEPT_AUTOMATIC",
            "subnetworks": ["$Subnetwork"],
        },
        {"description": "d"},
    ),
    "compute/route:Route": (
        {
            "name": "out",
            "network": "$Network",
            "destRange": "0.0.0.0/0",
            "nextHopGateway": "default-internet-gateway",
        },
        {},
    ),
    "compute/router:Router": ({"name": "router", "network": "$Network"}, {"description": "d"}),
    "compute/address:Address": ({"name": "nat", "addressType": "EXTERNAL"}, {"labels": {"a": "1"}}),
    "compute/routerNat:RouterNat": (
        {
            "name": "nat",
            "router": "$Router.name",
            "region": "us-central1",
            "natIpAllocateOption": "MANUAL_ONLY",
            "natIps": ["$Address"],
            "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
            "subnetworks": [{"name": "$Subnetwork", "sourceIpRangesToNats": ["ALL_IP_RANGES"]}],
            "logConfig": {"enable": True, "filter": "ALL"},
        },
        {"logConfig": {"enable": True, "filter": "ERRORS_ONLY"}},
    ),
    "dns/managedZone:ManagedZone": (
        {
            "name": "googleapis",
            "dnsName": "googleapis.com.",
            "visibility": "private",
            "privateVisibilityConfig": {"networks": [{"networkUrl": "$Network"}]},
        },
        {"description": "d", "labels": {"a": "1"}},
    ),
    "dns/recordSet:RecordSet": (
        {
            "name": "a.googleapis.com.",
            "managedZone": "$ManagedZone.name",
            "type": "A",
            "ttl": 300,
            "rrdatas": ["10.0.0.1"],
        },
        {"ttl": 60, "rrdatas": ["10.0.0.1", "10.0.0.2"]},
    ),
    "dns/policy:Policy": (
        {"name": "log", "enableLogging": True, "networks": [{"networkUrl": "$Network"}]},
        {"enableLogging": False},
    ),
    "iam/workloadIdentityPool:WorkloadIdentityPool": (
        {"workloadIdentityPoolId": "ci-pool", "displayName": "d"},
        {"displayName": "e"},
    ),
    "iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": (
        {
            "workloadIdentityPoolId": "$WorkloadIdentityPool.workloadIdentityPoolId",
            "workloadIdentityPoolProviderId": "github",
            "oidc": {"issuerUri": "https://ci.example.org"},
            "attributeMapping": {"google.subject": "assertion.sub"},
            "attributeCondition": "true",
        },
        {"attributeCondition": "assertion.ref == 'main'"},
    ),
    "logging/projectBucketConfig:ProjectBucketConfig": (
        {"project": P, "location": "us-central1", "bucketId": "audit", "retentionDays": 30},
        {"retentionDays": 40, "enableAnalytics": True, "description": "d"},
    ),
    "logging/projectSink:ProjectSink": (
        {"name": "audit", "destination": "logging.googleapis.com/$ProjectBucketConfig", "filter": "a"},
        {"filter": "b", "description": "d"},
    ),
    "logging/projectExclusion:ProjectExclusion": ({"name": "flows", "filter": "a"}, {"filter": "b"}),
    "monitoring/notificationChannel:NotificationChannel": (
        {"type": "email", "displayName": "owners", "labels": {"email_address": "ml@example.org"}},
        {"displayName": "people", "labels": {"email_address": "ops@example.org"}},
    ),
    "accesscontextmanager/servicePerimeter:ServicePerimeter": (
        {
            "parent": "accessPolicies/1",
            "name": "accessPolicies/1/servicePerimeters/zone",
            "title": "t",
            "useExplicitDryRunSpec": True,
            "spec": PERIMETER,
        },
        {"title": "u", "useExplicitDryRunSpec": None, "spec": None, "status": PERIMETER},
    ),
    "billing/budget:Budget": (
        {
            "billingAccount": "0A-1B",
            "displayName": "month",
            "amount": {"specifiedAmount": {"currencyCode": "USD", "units": "100"}},
            "budgetFilter": {"projects": ["projects/123456789012"]},
            "thresholdRules": [{"thresholdPercent": 0.5}],
        },
        {"displayName": "year"},
    ),
    "secretmanager/secret:Secret": (
        {
            "secretId": "zone-wandb",
            "replication": {"userManaged": {"replicas": [{"location": "us-central1"}]}},
        },
        {"labels": {"a": "1"}},
    ),
    "secretmanager/secretIamMember:SecretIamMember": (
        {
            "project": P,
            "secretId": "$Secret.secretId",
            "role": "roles/secretmanager.secretAccessor",
            "member": "$Account.member",
        },
        {},
    ),
    "servicenetworking/connection:Connection": (
        {
            "network": "$Network",
            "service": "servicenetworking.googleapis.com",
            "reservedPeeringRanges": ["jobs"],
        },
        {"reservedPeeringRanges": ["jobs", "more"]},
    ),
    "servicenetworking/vpcServiceControls:VpcServiceControls": (
        {"network": "$Network.name", "service": "$Connection.service", "enabled": True},
        {"enabled": False},
    ),
}
LIVES = {f"gcp:{token}": life for token, life in LIVES.items()}
