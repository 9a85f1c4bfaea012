"""Registration of the resource providers that a zone needs: the program's own, for azure-native does not do it.

It is the one thing done besides resources: a registration belongs to the whole subscription, costs nothing, and
is not undone by a destroy, since others in the subscription may use it. A preview only tells what is missing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

import pulumi
import yaml

from infra.azure.rest import Answer
from infra.azure.site import Site
from infra.lookup import reached
from infra.propagation import Clock, until

# Registering takes a minute or two as a rule; seconds, ten minutes in all.
PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, *(15.0,) * 39)


@functools.cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(
        resources.files("infra.azure").joinpath("data/resource_providers.yaml").read_text()
    )
    return data


def needed(when: Iterable[str] = ()) -> list[str]:
    """The namespaces of a subscription whose zones have the settings `when` on."""
    on = {None, *when}
    return [name for name, facts in _data()["resource_providers"].items() if facts.get("when") in on]


def missing(site: Site, wanted: Sequence[str]) -> list[str]:
    """Those of `wanted` that are not registered. Raises pulumi.RunError when Azure does not tell."""
    return [name for name in wanted if _state(site, name) != "Registered"]


def _missing_now(site: Site, wanted: Sequence[str]) -> list[str]:
    """The same, with a fault of the network told in one line: `until` asks again, and sees the fault itself."""
    return reached(site.setting("subscription"), site.rest.endpoint, lambda: missing(site, wanted))


def _state(site: Site, name: str) -> str:
    answer = _ask(site, f"/{name}")
    if answer.status != 200:
        raise pulumi.RunError(
            f"{site.setting('subscription')}: whether {name} is registered in subscription "
            f"{site.place.subscription} cannot be read: {_said(answer)}"
        )
    return str(answer.body.get("registrationState", ""))


def register(site: Site, wanted: Sequence[str], clock: Clock | None = None) -> None:
    """Register what is missing and wait for it, ten minutes at most; in a preview, tell what is missing.

    Raises pulumi.RunError with the command that whoever may register has to run.
    """
    absent = _missing_now(site, wanted)
    if absent and pulumi.runtime.is_dry_run():
        pulumi.log.info(f"subscription {site.place.subscription}: will register {', '.join(absent)}")
        return
    for name in absent:
        answer = reached(
            site.setting("subscription"),
            site.rest.endpoint,
            functools.partial(_ask, site, f"/{name}/register", "POST"),
        )
        if answer.status >= 400:
            raise pulumi.RunError(f"{_remedy(site, [name])} ({_said(answer)})")
    if absent and not until(lambda: not missing(site, absent), clock or Clock(), PAUSES):
        raise pulumi.RunError(
            f"subscription {site.place.subscription} still registers {', '.join(missing(site, absent))}; "
            "run `pulumi up` again in some minutes"
        )


def check(site: Site, wanted: Sequence[str], setting: str) -> None:
    """Tell in one message what is missing that somebody else was to register. Raises pulumi.RunError."""
    absent = _missing_now(site, wanted)
    if absent:
        raise pulumi.RunError(f"{setting}: {_remedy(site, absent)}")


def _ask(site: Site, path: str, verb: str = "GET") -> Answer:
    return site.rest.ask(f"{site.place.scope}/providers{path}", _data()["api_version"], verb)


def _remedy(site: Site, absent: Sequence[str]) -> str:
    commands = "; ".join(f"az provider register --namespace {name} --wait" for name in absent)
    of = f"subscription {site.place.subscription}"
    return f"{of} has not registered {', '.join(absent)}; let its owner run: {commands}"


def _said(answer: Answer) -> str:
    """Azure's own words on a refusal, as far as there are any."""
    error = answer.body.get("error")
    words = str(error.get("message", "")) if isinstance(error, dict) else ""
    return " ".join(f"{answer.status} {answer.code} {words}".split())
