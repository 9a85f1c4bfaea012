"""Wait until what was made is really there: role assignments reach all servers in minutes, ten at most.

Each wait is a hook that the engine runs after a creation, never in a preview. It asks Azure Resource Manager, as
whoever deploys, and never fails an update: what does not answer in time is told as a warning.

Storage, registry and workspace ask the vault for their key in the name of an identity that nobody else can ask in.
So what needs such a grant is tried again.
"""

from __future__ import annotations

import re

import pulumi

from infra.azure.rest import Rest
from infra.azure.site import Site
from infra.propagation import Clock, hook_again, hook_until

AUTHORIZATION = "2022-04-01"  # API version of Microsoft.Authorization
# A role assignment holds after ten minutes at most (learn.microsoft.com/azure/role-based-access-control/
# troubleshooting, "Symptom - Role assignment changes are not being detected").
GRANTED = (5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 180.0, 180.0)  # seconds; ten minutes in all
# What Azure says of a role or an identity that it has not heard of yet. A registry has words of its own
# (github.com/MicrosoftDocs/azure-docs/issues/61015). What whoever deploys lacks themselves
# (LinkedAuthorizationFailed) does not come by waiting.
NOT_HEARD_OF = re.compile(
    r"(?i)PrincipalNotFound|does not exist in the directory|ForbiddenByRbac|KeyVaultAccessForbidden"
    r"|KeyVaultAuthenticationFailure|CannotAccessKeyVault|Failed to access KeyId|aka\.ms/acr/cmk"
    r"|does not have (the )?(required |following )?permissions?\b[^.]*\bvault\b"
    r"|not authorized to perform action on resource"  # a vault to Cosmos DB, which comes as itself
    r"|unwrap ?key|wrap ?key permission|key vault (operation|access)[^.]*(denied|forbidden)"
)
# What an assignment is refused with while its role, or the identity it is for, has not reached every server
# (issues 19916 of github.com/hashicorp/terraform-provider-azurerm, 2135 of github.com/Azure/azure-rest-api-specs).
ROLE_NOT_HEARD_OF = re.compile(r"(?i)RoleDefinitionDoesNotExist")
NEW_IDENTITY_NOT_HEARD_OF = re.compile(
    r"(?i)RoleDefinitionDoesNotExist|PrincipalNotFound|does not exist in the directory"
)
IN_A_ROW = 3  # servers of Azure that are out of step with each other answer in turn


def defined(rest: Rest, role: str) -> bool:
    """Whether the definition `role` (a resource id) is found, however often it is asked for."""
    return all(rest.ask(role, AUTHORIZATION).status == 200 for _ in range(IN_A_ROW))


def wait_for_definition(site: Site, name: str, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """After the role `name` is defined, wait until every server asked finds it: half a minute at most."""

    def ready(args: pulumi.ResourceHookArgs) -> bool:
        return defined(site.rest, args.id)

    told = "a role is defined but not found everywhere yet; its assignments are tried again for some minutes"
    return hook_until(f"{name}-there", ready, told, clock)


def assigned(rest: Rest, scope: str, assignment: str, principal: str) -> bool:
    """Whether the assignment (its id) counts among what `principal` (an object id) is given at `scope`.

    A list by principal is answered from what decides on access; the assignment itself is there at once.
    """
    answer = rest.ask(
        f"{scope}/providers/Microsoft.Authorization/roleAssignments",
        AUTHORIZATION,
        **{"$filter": f"principalId eq '{principal}'"},  # `assignedTo` would have to read the directory
    )
    listed = answer.body.get("value", [])
    return any(str(one.get("id", "")).lower() == assignment.lower() for one in listed)


def wait_for_assignment(site: Site, name: str, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """After the role `name` is assigned, wait until it is found by who asks for it: half a minute at most."""

    def ready(args: pulumi.ResourceHookArgs) -> bool:
        made = args.new_outputs or {}
        return assigned(site.rest, str(made.get("scope", "")), args.id, str(made.get("principalId", "")))

    told = "a role is assigned but not found everywhere yet; what needs it is tried again for some minutes"
    return hook_until(f"{name}-there", ready, told, clock)


def retry_while_defining(
    site: Site, name: str, identity: bool, clock: Clock | None = None
) -> pulumi.ResourceHookBinding:
    """For the assignment `name` of a role just defined: tried again, for ten minutes, while it is not known.

    `identity`: it is for an identity, which may be as new. A person or a group that is not found is a mistake.
    """
    refusal = NEW_IDENTITY_NOT_HEARD_OF if identity else ROLE_NOT_HEARD_OF
    return hook_again(f"{name}-known", refusal, GRANTED, bool(site.emulator), clock)


def retry_while_granting(site: Site, name: str, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """For `name`, which needs a role just assigned: a refusal for want of it is tried again, for ten minutes."""
    return hook_again(f"{name}-granted", NOT_HEARD_OF, GRANTED, bool(site.emulator), clock)
