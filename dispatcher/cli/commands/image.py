"""`dispatch image`: images that were built or copied for zones, and what belongs into one."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.ledger import ImageRow


@click.group(help=COMMANDS["image"])
def command() -> None:
    pass


@command.command("copy", help="Copy an image into a zone's registry: from another registry, or of another zone.")
@click.argument("image")
@click.option("--zone", metavar="ZONE", help="Into which zone; else the only one.")
@click.option("--name", metavar="NAME", help="What `image:` of a job says; else the image's own name.")
@click.option("--platform", metavar="OS/ARCH", help="Such as linux/arm64; else what the zone's machines run.")
@click.option(
    "--with", "carrier", metavar="PROGRAM", help="skopeo, crane, or dispatch itself; else the first that is here."
)
@output.output_option
@click.pass_obj
def copy(
    settings: Settings,
    image: str,
    zone: str | None,
    name: str | None,
    platform: str | None,
    carrier: str | None,
    form: str,
) -> None:
    from dispatcher.images import verbs

    with settings.dispatcher() as dispatcher:
        row = verbs.copy(dispatcher, image, zone, output.note, name=name, platform=platform, carrier=carrier)
    if form == "json":
        output.print_json(dataclasses.asdict(row))
        return
    output.say(row.reference)
    output.note(f"  in zone {row.zone}: a job takes it as `image: {row.name}`")


@command.command("show", help="Show the images that were built or copied, newest first, or those of one name.")
@click.argument("name", required=False)
@click.option("--zone", metavar="ZONE", help="Of one zone only.")
@output.output_option
@click.pass_obj
def show(settings: Settings, name: str | None, zone: str | None, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        rows = dispatcher.reading.images(zone, name)
        now = dispatcher.clock()
    if form == "json":
        output.print_json([dataclasses.asdict(row) for row in rows])
        return
    if not rows:
        what = f"image {name}" if name else "image"
        output.note(f"no {what} has been built or copied{f' for zone {zone}' if zone else ''}: dispatch build")
        return
    if name is None:
        output.print_table(
            ("NAME", "ZONE", "DIGEST", "PLATFORM", "PUSHED", "AGE"), [_row(row, now) for row in rows]
        )
        return
    for number, row in enumerate(rows):
        if number:
            output.say("")
        output.print_fields(_fields(row))


def _row(row: ImageRow, now: float) -> tuple[str, ...]:
    pushed = "yes" if row.pushed else "no"
    return (row.name, row.zone, row.digest[:19], row.platform, pushed, output.age(row.recorded_at, now))


def _fields(row: ImageRow) -> dict[str, str | None]:
    shown: dict[str, Any] = {key: value for key, value in dataclasses.asdict(row).items() if key != "pushed"}
    for key in ("entrypoint", "default_command"):
        shown[key] = " ".join(json.loads(shown[key])) if shown[key] else None
    return {
        **{key.replace("_", " "): value for key, value in shown.items() if key != "runtime"},
        "pushed": "yes" if row.pushed else "no: dispatch build --push",
        "dispatch-run": row.runtime or "not said by the image",
    }


@command.command("runtime", help="Write dispatch-run as one file, to be copied into an image of yours.")
@click.argument("file", default="dispatch-run")
def runtime(file: str) -> None:
    from dispatcher.images import one_file

    written = one_file.write(file)
    output.say(str(written))
    output.note("  in the Dockerfile, in any image that has Python 3.9 or newer:")
    for line in one_file.lines(written):
        output.note(f"    {line}")
    output.note("  and in the job file: runtime: true (`dispatch build` sees it by the label)")
