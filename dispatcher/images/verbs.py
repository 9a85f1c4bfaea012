"""Building an image for zones and copying one into a zone: what `dispatch build` and `dispatch image` do."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dispatcher.backends import image_reference
from dispatcher.errors import DispatchError, NotFoundError, UsageError
from dispatcher.images import builders, carriers, description, place, sign_in, transfer
from dispatcher.images.builders import Recipe
from dispatcher.images.ground import Ground, ground, host_of, lendable
from dispatcher.images.registry import Registry
from dispatcher.ledger import ImageRow

if TYPE_CHECKING:
    from dispatcher.api import Dispatcher
    from dispatcher.images.config import Config
    from dispatcher.images.login import Login

Say = Callable[[str], None]
_NOT_OF_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """What to build: `name` and `platform` None are taken from the folder and the zones; `builder` None is any."""

    context: Path
    file: Path | None = None
    name: str | None = None
    platform: str | None = None
    builder: str | None = None
    push: bool = False


def build(dispatcher: Dispatcher, zones: Sequence[str], wish: Wish, say: Say) -> list[ImageRow]:
    """Build one image, push it to the registry of every zone if so wished, and record it for each.

    Without `zones` it is for the only one there is. `say` is told of warnings and progress.
    """
    wanted: Sequence[str | None] = zones or [None]
    grounds = [ground(dispatcher, name) for name in wanted]
    name = wish.name or usual_name(wish.context)
    for one in grounds:
        place.names(name, f"sha256:{'0' * 64}", one.zone)  # a name that cannot be, before a build of minutes
    environment = dispatcher.environment
    recipe = Recipe(wish.context, wish.file, wish.platform or _platform(grounds))
    builder = builders.find(wish.builder, environment)
    text = builders.dockerfile(recipe).read_text(encoding="utf-8", errors="replace")
    # Whoever may not push hears so before a build of minutes; a base image may be in the zone's registry too.
    logins = {one.name: one.login() for one in grounds if wish.push or one.host in text}
    with tempfile.TemporaryDirectory(prefix="dispatch-build-") as folder:
        lent = sign_in.lent([lendable(login) for login in logins.values()], environment, Path(folder))
        built = builders.build(builder, recipe, lent, Path(folder))
        if built.config.platform != recipe.platform:
            raise DispatchError(f"{builder.name} built for {built.config.platform}, not for {recipe.platform}")
        rows = []
        for one in grounds:
            named = place.names(name, built.manifest.digest, one.zone)
            if wish.push:
                into = image_reference.parse(named.tag)
                with one.pushing(logins[one.name]) as registry:
                    transfer.push(built, registry, into.name, into.tag, say)
            rows.append(_record(dispatcher, one, name, named, built.config, str(wish.context), pushed=wish.push))
    for warning in _shortcomings(built.config, grounds):
        say(f"warning: {warning}")
    return rows


def copy(
    dispatcher: Dispatcher,
    text: str,
    zone: str | None,
    say: Say,
    *,
    name: str | None = None,
    platform: str | None = None,
    carrier: str | None = None,
) -> ImageRow:
    """Copy an image into a zone's registry and record it: one of another registry, or a name of another zone."""
    try:
        written = image_reference.read(text)
    except ValueError as error:
        raise UsageError(str(error), image_reference.FORM) from error
    target = ground(dispatcher, zone)
    recorded = None if written.host else _elsewhere(dispatcher, text, target.name)
    image = image_reference.parse(recorded.reference) if recorded else written
    called = name or (recorded.name if recorded else _last(image.name))
    place.names(called, f"sha256:{'0' * 64}", target.zone)
    source, login = _source(dispatcher, str(image.host), recorded, target)
    repository = source.repository(image.name)
    wanted = platform or place.platform(target.zone)
    found = description.describe(source, repository, image.digest or image.tag or "latest", wanted)
    if found.manifest is None or found.config is None:
        has = ", ".join(found.platforms) or "none"
        raise NotFoundError(
            f"{image.text} is not made for {wanted}, but for {has}", "--platform chooses one of them"
        )
    named = place.names(called, found.manifest.digest, target.zone)
    into, ours = image_reference.parse(named.tag), target.login()
    program = carriers.find(carrier, dispatcher.environment)
    manifest = found.manifest

    with target.pushing(ours) as registry:
        if program is None:
            transfer.copy(manifest, source, repository, registry, into.name, into.tag, say)
        elif not registry.has_manifest(into.name, into.tag):
            origin = f"{carriers.address(source.host, repository)}@{manifest.digest}"
            goal = f"{carriers.address(target.host, into.name)}:{into.tag}"
            with tempfile.TemporaryDirectory(prefix="dispatch-copy-") as folder:
                both = [lendable(one) for one in (login, ours) if one]
                carriers.carry(program, origin, goal, sign_in.lent(both, dispatcher.environment, Path(folder)))
    return _record(dispatcher, target, called, named, found.config, image.text, pushed=True)


def usual_name(context: Path) -> str:
    """Return what an image is called when nobody says: the folder it is built from."""
    return _NOT_OF_NAMES.sub("-", context.resolve().name.lower()).strip("-") or "image"


def _platform(grounds: Sequence[Ground]) -> str:
    found = {one.name: place.platform(one.zone) for one in grounds}
    if len(set(found.values())) > 1:
        kinds = ", ".join(f"{name} runs {platform}" for name, platform in found.items())
        raise UsageError(f"one image does not fit these zones: {kinds}", "build for each with --platform")
    return next(iter(found.values()))


def _source(
    dispatcher: Dispatcher, host: str, recorded: ImageRow | None, target: Ground
) -> tuple[Registry, Login | None]:
    """The registry to copy from: of a zone we know, of the target's cloud, or one that asks nobody to sign in."""
    hosts = {row.name: host_of(row) for row in dispatcher.reading.zones()}
    known = recorded.zone if recorded else next((name for name, its in hosts.items() if its == host), None)
    if known is not None:
        login: Login | None = ground(dispatcher, known).login()
    else:
        login = target.login(host) if place.puller(target.zone).signs_in(host) else None
    return Registry(host, login, target.calls), login


def _elsewhere(dispatcher: Dispatcher, name: str, zone: str) -> ImageRow:
    rows = [row for row in dispatcher.reading.images(name=name) if row.pushed]
    if row := next((row for row in rows if row.zone != zone), None):
        return row
    known = f"is in zone {zone} already" if rows else "has not been built or copied for any zone"
    raise NotFoundError(
        f"image {name} {known}", "name one of a registry (docker.io/library/python:3.12), or `dispatch build` it"
    )


def _last(repository: str) -> str:
    return repository.rpartition("/")[2]


def _record(
    dispatcher: Dispatcher,
    one: Ground,
    name: str,
    named: place.Names,
    config: Config,
    source: str,
    *,
    pushed: bool,
) -> ImageRow:
    def words(argv: tuple[str, ...] | None) -> str | None:
        return json.dumps(argv) if argv else None

    row = ImageRow(
        zone=one.name,
        name=name,
        digest=image_reference.parse(named.digest).digest,
        reference=named.digest,
        tag=named.tag,
        platform=config.platform,
        recorded_at=dispatcher.stamp(),
        who=dispatcher.who,
        source=source,
        pushed=int(pushed),
        entrypoint=words(config.entrypoint),
        default_command=words(config.command),
        runtime=config.runtime,
    )
    dispatcher.ledger.record_image(row)
    return row


def _shortcomings(config: Config, grounds: Sequence[Ground]) -> list[str]:
    """What is better known now than when a job has waited for it."""
    found = []
    if config.entrypoint is None and any(one.zone.cloud == "aws" for one in grounds):
        found.append("the image has no ENTRYPOINT: on SageMaker a job of it needs a command")
    if config.runtime is None:
        found.append(
            "the image does not say that it has dispatch-run: `dispatch image runtime FILE` writes it and "
            "says what belongs into the Dockerfile"
        )
    return found
