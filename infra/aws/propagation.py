"""Wait until a new role is really there: IAM answers from many places, and not from all of them at once.

The dispatcher retries on its own side too; this only makes the first minute after `pulumi up` quiet.
"""

from __future__ import annotations

from typing import Any

import pulumi

from infra.aws.site import Site
from infra.propagation import Clock, wait


def assumable(client: Any, role: str) -> bool:
    """Whether the caller becomes `role` (ARN) now; a refusal counts as not yet."""
    from botocore.exceptions import ClientError

    try:
        client.assume_role(RoleArn=role, RoleSessionName="launchway-propagation", DurationSeconds=900)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("AccessDenied", "AccessDeniedException"):
            return False
        raise
    return True


def visible(client: Any, role: str) -> bool:
    """Whether IAM knows `role` (name) now."""
    from botocore.exceptions import ClientError

    try:
        client.get_role(RoleName=role)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchEntity":
            return False
        raise
    return True


def wait_for_role(
    site: Site, use: str, *, caller_may_assume: bool, clock: Clock | None = None
) -> pulumi.ResourceHookBinding:
    """A hook for a role: after its creation, poll until it is visible and, when the caller may, assumable.

    It never fails an update: what is not there after half a minute is told as a warning. The engine does not
    run after-create hooks in a preview.
    """
    service = "sts" if caller_may_assume else "iam"

    def there(args: pulumi.ResourceHookArgs) -> None:
        outputs = args.new_outputs or {}
        role, name = str(outputs.get("arn", "")), str(outputs.get("name", ""))

        def ready() -> bool:
            client = _client(site, service)
            return assumable(client, role) if caller_may_assume else visible(client, name)

        told = f"{name} was created but does not answer yet; submits retry for some minutes"
        wait(ready, told, clock or Clock())

    hook = pulumi.ResourceHook(site.name("identity", f"{use}-there"), there)
    return pulumi.ResourceHookBinding(after_create=[hook])


def _client(site: Site, service: str) -> Any:
    """A client like the provider's: same region, and the emulator's address through AWS_ENDPOINT_URL."""
    import boto3

    return boto3.Session(region_name=site.place.region).client(service)
