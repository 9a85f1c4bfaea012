"""What each azure-native type is made with and changed to in test_lives."""

from __future__ import annotations

from typing import Any

from localcloud.azure.state import SUBSCRIPTION, TENANT

S = f"/subscriptions/{SUBSCRIPTION}"
ROLE = f"{S}/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d"
VAULT = {
    "tenantId": TENANT,
    "sku": {"family": "A", "name": "premium"},
    "enableRbacAuthorization": True,
    "enableSoftDelete": True,
    "enablePurgeProtection": True,
    "softDeleteRetentionInDays": 7,
    "publicNetworkAccess": "Disabled",
}
KEY = {"kty": "RSA", "keySize": 3072, "keyOps": ["wrapKey", "unwrapKey"]}
RULES = {
    "rules": [
        {
            "name": "forget",
            "enabled": True,
            "type": "Lifecycle",
            "definition": {
                "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 30}}},
                "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["output/"]},
            },
        }
    ]
}
CLUSTER = {
    "computeType": "AmlCompute",
    "disableLocalAuth": True,
    "properties": {
        "vmSize": "Standard_D4s_v3",
        "vmPriority": "Dedicated",
        "enableNodePublicIp": False,
        "remoteLoginPortPublicAccess": "Disabled",
        "osType": "Linux",
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M"},
    },
}
STORE = {
    "datastoreType": "AzureBlob",
    "accountName": "$StorageAccount.name",
    "containerName": "$BlobContainer.name",
    "credentials": {"credentialsType": "None"},
    "serviceDataAccessAuthIdentity": "WorkspaceUserAssignedIdentity",
}
BUDGET = {
    "scope": S,
    "amount": 100,
    "category": "Cost",
    "timeGrain": "Monthly",
    "timePeriod": {"startDate": "2026-11-01T00:00:00Z"},
    "notifications": {
        "most": {"enabled": True, "operator": "GreaterThan", "threshold": 80.5, "contactEmails": ["a@example.org"]}
    },
}
OWNER = {"tags": {"owner": "ml"}}
IN = {"resourceGroupName": "$ResourceGroup.name"}

# Token (module and type) -> inputs, what an update sets (None takes away). `$Type` is the id of that row's
# resource, `$Type.output` one of its outputs.
LIVES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "resources:ResourceGroup": (OWNER, {"tags": {"owner": "ml", "class": "internal"}}),
    "managedidentity:UserAssignedIdentity": ({**IN, **OWNER}, {"tags": {}}),
    "managedidentity:FederatedIdentityCredential": (
        {
            **IN,
            "resourceName": "$UserAssignedIdentity.name",
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:acme/ml:ref:refs/heads/main",
            "audiences": ["api://AzureADTokenExchange"],
        },
        {"subject": "repo:acme/ml:environment:production"},
    ),
    "authorization:RoleDefinition": (
        {
            "scope": S,
            "roleName": "agents",
            "roleType": "CustomRole",
            "assignableScopes": [S],
            "permissions": [{"actions": ["Microsoft.MachineLearningServices/workspaces/jobs/read"]}],
        },
        {"description": "d"},
    ),
    "authorization:RoleAssignment": (
        {
            "scope": "$ResourceGroup",
            "principalId": "$UserAssignedIdentity.principalId",
            "principalType": "ServicePrincipal",
            "roleDefinitionId": ROLE,
        },
        {},
    ),
    "authorization:ManagementLockByScope": ({"scope": "$ResourceGroup", "level": "CanNotDelete"}, {"notes": "n"}),
    "keyvault:Vault": (
        {**IN, "properties": VAULT},
        {"properties": {**VAULT, "networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"}}},
    ),
    "keyvault:Key": (
        {**IN, "vaultName": "$Vault.name", "properties": KEY},
        {"properties": {**KEY, "attributes": {"enabled": True, "expires": 1900000000}}},
    ),
    "keyvault:Secret": (
        {**IN, "vaultName": "$Vault.name", "properties": {"value": "word"}},
        {"properties": {"value": "other", "contentType": "text/plain"}},
    ),
    "storage:StorageAccount": (
        {
            **IN,
            **OWNER,
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "accountName": "launchwaydata",
            "allowBlobPublicAccess": False,
            "enableHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "identity": {"type": "UserAssigned", "userAssignedIdentities": ["$UserAssignedIdentity"]},
            "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "192.0.2.0/24"}]},
        },
        {"allowSharedKeyAccess": False, "networkRuleSet": {"defaultAction": "Deny", "bypass": "None"}},
    ),
    "storage:BlobServiceProperties": (
        {**IN, "accountName": "$StorageAccount.name", "blobServicesName": "default", "isVersioningEnabled": True},
        {"deleteRetentionPolicy": {"enabled": True, "days": 7}},
    ),
    "storage:BlobContainer": (
        {**IN, "accountName": "$StorageAccount.name", "publicAccess": "None"},
        {"metadata": {"use": "data"}},
    ),
    "storage:ManagementPolicy": (
        {**IN, "accountName": "$StorageAccount.name", "managementPolicyName": "default", "policy": RULES},
        {"policy": {"rules": [{**RULES["rules"][0], "enabled": False}]}},
    ),
    "containerregistry:Registry": (
        {**IN, "registryName": "launchway", "sku": {"name": "Premium"}, "adminUserEnabled": False},
        {"policies": {"retentionPolicy": {"days": 7, "status": "enabled"}}},
    ),
    "network:VirtualNetwork": (
        {**IN, "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
        {"tags": {"owner": "ml"}},
    ),
    "network:Subnet": (
        {
            **IN,
            "virtualNetworkName": "$VirtualNetwork.name",
            "addressPrefix": "10.0.1.0/24",
            "networkSecurityGroup": {"id": "$NetworkSecurityGroup"},
            "privateEndpointNetworkPolicies": "Disabled",
        },
        {"natGateway": {"id": "$NatGateway"}, "defaultOutboundAccess": False},
    ),
    "network:NetworkSecurityGroup": (
        {
            **IN,
            "securityRules": [
                {
                    "name": "no",
                    "access": "Deny",
                    "direction": "Inbound",
                    "priority": 4096,
                    "protocol": "*",
                    "sourceAddressPrefix": "*",
                    "sourcePortRange": "*",
                    "destinationAddressPrefix": "*",
                    "destinationPortRange": "*",
                }
            ],
        },
        OWNER,
    ),
    "network:PublicIPAddress": (
        {**IN, "sku": {"name": "Standard", "tier": "Regional"}, "publicIPAllocationMethod": "Static"},
        OWNER,
    ),
    "network:NatGateway": (
        {**IN, "sku": {"name": "Standard"}, "publicIpAddresses": [{"id": "$PublicIPAddress"}]},
        {"idleTimeoutInMinutes": 10},
    ),
    "network:PrivateEndpoint": (
        {
            **IN,
            "subnet": {"id": "$Subnet"},
            "privateLinkServiceConnections": [
                {"name": "blob", "privateLinkServiceId": "$StorageAccount", "groupIds": ["blob"]}
            ],
        },
        OWNER,
    ),
    "network:PrivateDnsZoneGroup": (
        {
            **IN,
            "privateEndpointName": "$PrivateEndpoint.name",
            "privateDnsZoneConfigs": [{"name": "blob", "privateDnsZoneId": "$PrivateZone"}],
        },
        {},
    ),
    "privatedns:PrivateZone": (
        {**IN, "privateZoneName": "privatelink.blob.core.windows.net", "location": "global"},
        OWNER,
    ),
    "privatedns:VirtualNetworkLink": (
        {
            **IN,
            "privateZoneName": "$PrivateZone.name",
            "location": "global",
            "registrationEnabled": False,
            "virtualNetwork": {"id": "$VirtualNetwork"},
        },
        OWNER,
    ),
    "operationalinsights:Workspace": (
        {**IN, "sku": {"name": "PerGB2018"}, "retentionInDays": 30},
        {"retentionInDays": 365, "features": {"disableLocalAuth": True}},
    ),
    "applicationinsights:Component": (
        {
            **IN,
            "applicationType": "web",
            "kind": "web",
            "flowType": "Bluefield",
            "ingestionMode": "LogAnalytics",
            "requestSource": "rest",
            "disableLocalAuth": True,
            "workspaceResourceId": "$OperationalWorkspace",
        },
        OWNER,
    ),
    "monitor:DiagnosticSetting": (
        {
            "resourceUri": "$Vault",
            "workspaceId": "$OperationalWorkspace",
            "logs": [{"categoryGroup": "allLogs", "enabled": True}],
        },
        {"metrics": [{"category": "AllMetrics", "enabled": True}]},
    ),
    "machinelearningservices:Workspace": (
        {
            **IN,
            "identity": {"type": "UserAssigned", "userAssignedIdentities": ["$UserAssignedIdentity"]},
            "primaryUserAssignedIdentity": "$UserAssignedIdentity",
            "storageAccount": "$StorageAccount",
            "keyVault": "$Vault",
            "applicationInsights": "$Component",
            "publicNetworkAccess": "Disabled",
            "systemDatastoresAuthMode": "Identity",
            "v1LegacyMode": False,
            "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound", "enableNetworkMonitor": False},
        },
        {"description": "d", "imageBuildCompute": "cpu"},
    ),
    "machinelearningservices:Compute": (
        {
            **IN,
            "workspaceName": "$MachineWorkspace.name",
            "computeName": "cpu",
            "properties": CLUSTER,
            "identity": {"type": "UserAssigned", "userAssignedIdentities": ["$UserAssignedIdentity"]},
        },
        {
            "properties": {
                **CLUSTER,
                "properties": {
                    **CLUSTER["properties"],  # type: ignore[dict-item]  # a dict of texts and of dicts
                    "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4},
                },
            }
        },
    ),
    "machinelearningservices:Datastore": (
        {
            **IN,
            "workspaceName": "$MachineWorkspace.name",
            "name": "data",
            "skipValidation": True,
            "properties": STORE,
        },
        {"properties": {**STORE, "description": "d"}},
    ),
    "machinelearningservices:ManagedNetworkSettingsRule": (
        {
            **IN,
            "workspaceName": "$MachineWorkspace.name",
            "ruleName": "pypi",
            "properties": {"type": "FQDN", "category": "UserDefined", "destination": "pypi.org"},
        },
        {"properties": {"type": "FQDN", "category": "UserDefined", "destination": "files.pythonhosted.org"}},
    ),
    "consumption:Budget": (BUDGET, {"amount": 200}),
}
NICKNAMES = {  # two types are called Workspace
    "OperationalWorkspace": "operationalinsights:Workspace",
    "MachineWorkspace": "machinelearningservices:Workspace",
}
