"""Wait until what was made is really there: enabled APIs, grants and perimeters reach all servers in minutes.

Each wait is a hook that the engine runs after a creation, never in a preview. It asks the API itself, as whoever
deploys, and never fails an update: what does not answer in time is told as a warning.

Nobody can ask whether a grant to one of Google's own agents has arrived. So what needs one is tried again.
"""

from __future__ import annotations

import re

import pulumi

from infra.gcp.rest import Rest
from infra.gcp.services import Service
from infra.gcp.site import Site
from infra.propagation import PAUSES, Clock, hook_again, hook_until

MINUTES = (*PAUSES, *(15.0,) * 18)  # seconds; five minutes in all
# What an API says while it is not enabled everywhere (google.rpc.ErrorInfo of domain googleapis.com).
NOT_YET = frozenset({"SERVICE_DISABLED"})

# A grant holds everywhere after two minutes as a rule, and after seven if it takes long
# (cloud.google.com/iam/docs/access-change-propagation).
GRANTED = (5.0, 10.0, 15.0, 30.0, 60.0, 60.0, 120.0, 120.0)  # seconds; seven minutes in all
# What Google's APIs say of a grant, an account or a role that they have not heard of yet.
NOT_HEARD_OF = re.compile(
    r"(?i)permission denied on cloud kms key|permission to use the cloud kms key"
    r"|cloudkms\.cryptokeyversions\.useto|service account \S+ does not exist|role projects/\S+ is not supported"
)


def answers(rest: Rest, service: Service, region: str) -> bool:
    """Whether the API is enabled as far as its own servers know."""
    if service.probe is None:
        return True
    host = f"{region}-{service.name}" if service.regional and not rest.emulator else service.name
    answer = rest.ask(host, service.probe.format(project=rest.project, region=region))
    return not (answer.status == 403 and answer.reason in NOT_YET)


def impersonated(rest: Rest, account: str) -> bool:
    """Whether the caller becomes the service account (e-mail) now; a refusal counts as not yet."""
    path = f"v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    answer = rest.ask("iamcredentials", path, {"scope": ["https://www.googleapis.com/auth/cloud-platform"]})
    return answer.status not in (403, 404)


def drawn(rest: Rest, perimeter: str, project: str) -> bool:
    """Whether the perimeter (full name) is told to hold the project, `projects/<number>`."""
    answer = rest.ask("accesscontextmanager", f"v1/{perimeter}")
    rules = answer.body.get("status") or answer.body.get("spec") or {}
    return project in rules.get("resources", ())


def wait_for_service(site: Site, service: Service, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """After an API is enabled, wait until it answers: five minutes at most."""

    def ready(_: pulumi.ResourceHookArgs) -> bool:
        return answers(site.rest, service, site.place.region)

    told = f"{service.api} is enabled but does not answer yet; run `pulumi up` again if something fails for it"
    return hook_until(site.name("there", f"{service.name}-answers"), ready, told, clock, MINUTES)


def wait_for_impersonation(site: Site, account: str, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """After the deployer may become `account` (e-mail), wait until it can: half a minute at most."""
    told = f"{account} cannot be impersonated yet; submits retry for some minutes"
    name = site.name("there", "agent-there")
    return hook_until(name, lambda _: impersonated(site.rest, account), told, clock)


def wait_for_perimeter(site: Site, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """After a perimeter is drawn, wait until it is told to hold its project: five minutes at most."""

    def ready(args: pulumi.ResourceHookArgs) -> bool:
        outputs = args.new_outputs or {}
        rules = outputs.get("status") or outputs.get("spec") or {}
        projects = rules.get("resources") or [""]
        return drawn(site.rest, str(outputs.get("name", "")), str(projects[0]))

    told = "the perimeter is drawn but not told everywhere yet: what it refuses can change for half an hour"
    return hook_until(site.name("there", "perimeter-drawn"), ready, told, clock, MINUTES)


def retry_while_granting(site: Site, name: str, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """For `name`, which needs a grant just given: a refusal for want of it is tried again, for seven minutes."""
    return hook_again(f"{name}-granted", NOT_HEARD_OF, GRANTED, bool(site.emulator), clock)
