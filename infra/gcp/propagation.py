"""Wait until what was made is really there: enabled APIs, grants and perimeters reach all servers in minutes.

Each wait is a hook that the engine runs after a creation, never in a preview. It asks the API itself, as whoever
deploys, and never fails an update: what does not answer in time is told as a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi

from infra.gcp.rest import Rest
from infra.gcp.services import Service
from infra.gcp.site import Site
from infra.propagation import PAUSES, Clock, until

MINUTES = (*PAUSES, *(15.0,) * 18)  # seconds; five minutes in all
# What an API says while it is not enabled everywhere (google.rpc.ErrorInfo of domain googleapis.com).
NOT_YET = frozenset({"SERVICE_DISABLED"})


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
    return _hook(site, f"{service.name}-answers", ready, told, MINUTES, clock)


def wait_for_impersonation(site: Site, account: str, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """After the deployer may become `account` (e-mail), wait until it can: half a minute at most."""
    told = f"{account} cannot be impersonated yet; submits retry for some minutes"
    return _hook(site, "agent-there", lambda _: impersonated(site.rest, account), told, PAUSES, clock)


def wait_for_perimeter(site: Site, clock: Clock | None = None) -> pulumi.ResourceHookBinding:
    """After a perimeter is drawn, wait until it is told to hold its project: five minutes at most."""

    def ready(args: pulumi.ResourceHookArgs) -> bool:
        outputs = args.new_outputs or {}
        rules = outputs.get("status") or outputs.get("spec") or {}
        projects = rules.get("resources") or [""]
        return drawn(site.rest, str(outputs.get("name", "")), str(projects[0]))

    told = "the perimeter is drawn but not told everywhere yet: what it refuses can change for half an hour"
    return _hook(site, "perimeter-drawn", ready, told, MINUTES, clock)


def _hook(
    site: Site,
    use: str,
    ready: Callable[[pulumi.ResourceHookArgs], bool],
    otherwise: str,
    pauses: Sequence[float],
    clock: Clock | None,
) -> pulumi.ResourceHookBinding:
    def wait(args: pulumi.ResourceHookArgs) -> None:
        if not until(lambda: ready(args), clock or Clock(), pauses):
            pulumi.log.warn(otherwise)

    return pulumi.ResourceHookBinding(after_create=[pulumi.ResourceHook(site.name("there", use), wait)])
