"""A little of everything that the engine does to an Azure resource, steered by the environment."""

import json
import os

import pulumi
import pulumi_azure_native as azure
from pulumi_azure_native import authorization, keyvault, managedidentity, network, resources, storage

want = json.loads(os.environ.get("WANT", "{}"))
subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
home = azure.Provider("home", subscription_id=subscription, location="westeurope", environment="public")
opts = pulumi.ResourceOptions(provider=home)
who = authorization.get_client_config(opts=pulumi.InvokeOptions(provider=home))

group = resources.ResourceGroup("group", tags={"owner": "ml"}, opts=opts)
runner = managedidentity.UserAssignedIdentity("runner", resource_group_name=group.name, opts=opts)
account = storage.StorageAccount(
    "data",
    resource_group_name=group.name,
    account_name=want.get("account", "launchwaytiny"),
    kind=storage.Kind.STORAGE_V2,
    sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
    allow_blob_public_access=False,
    minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
    network_rule_set=storage.NetworkRuleSetArgs(default_action=storage.DefaultAction.DENY),
    tags={"class": want.get("class", "internal")},
    opts=opts,
)
containers = [
    storage.BlobContainer(name, resource_group_name=group.name, account_name=account.name, opts=opts)
    for name in ("inputs", "outputs")
]
assignment = authorization.RoleAssignment(
    "runner",
    scope=account.id,
    principal_id=runner.principal_id,
    principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
    role_definition_id=f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/"
    + want.get("role", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
    opts=opts,
)
vault = keyvault.Vault(
    "vault",
    resource_group_name=group.name,
    properties=keyvault.VaultPropertiesArgs(
        tenant_id=who.tenant_id,
        sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.PREMIUM),
        enable_rbac_authorization=True,
        soft_delete_retention_in_days=7,
    ),
    opts=opts,
)
if want.get("secret"):
    keyvault.Secret(
        "word",
        resource_group_name=group.name,
        vault_name=vault.name,
        properties=keyvault.SecretPropertiesArgs(value=pulumi.Output.secret("pst-quiet")),
        opts=opts,
    )
net = network.VirtualNetwork(
    "net",
    resource_group_name=group.name,
    virtual_network_name="net",
    address_space=network.AddressSpaceArgs(address_prefixes=["10.0.0.0/16"]),
    enable_vm_protection=want.get("protect", False),
    opts=opts,
)
subnet = network.Subnet(
    "a", resource_group_name=group.name, virtual_network_name=net.name, address_prefix="10.0.1.0/24", opts=opts
)
if want.get("adopt"):
    resources.ResourceGroup(
        "adopted",
        resource_group_name=want["adopt"],
        location="westeurope",
        opts=pulumi.ResourceOptions(
            provider=home, import_=f"/subscriptions/{subscription}/resourceGroups/{want['adopt']}"
        ),
    )
if want.get("unknown"):

    class Colour(pulumi.CustomResource):
        """A type that no provider has."""

    Colour("azure-native:paint:Colour", "red", {}, opts)

pulumi.export("group", group.name)
pulumi.export("account", account.id)
pulumi.export("blob", account.primary_endpoints.blob)
pulumi.export("assignment", assignment.id)
pulumi.export("principal", runner.principal_id)
pulumi.export("vault", vault.properties.vault_uri)
pulumi.export("subnet", subnet.id)
pulumi.export("person", who.object_id)
