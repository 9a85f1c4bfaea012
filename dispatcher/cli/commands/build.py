"""`dispatch build`: one image from a Dockerfile, for the registry of one zone or of several."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from dispatcher.cli import COMMANDS, Settings, output


@click.command(help=COMMANDS["build"])
@click.argument("context", metavar="[FOLDER]", default=".")
@click.option("-f", "--file", metavar="DOCKERFILE", help="The Dockerfile; else the folder's own.")
@click.option(
    "--zone",
    "zones",
    metavar="ZONE",
    multiple=True,
    help="For which zone; several times for the same image in each.",
)
@click.option(
    "--name", metavar="NAME", help="What `image:` of a job says (train, or train:v2); else the folder's name."
)
@click.option("--push", is_flag=True, help="Push it to the registry of every zone.")
@click.option("--platform", metavar="OS/ARCH", help="Such as linux/arm64; else what the zone's machines run.")
@click.option("--builder", metavar="PROGRAM", help="docker, podman or buildah; else the first that works here.")
@output.output_option
@click.pass_obj
def command(
    settings: Settings,
    context: str,
    file: str | None,
    zones: tuple[str, ...],
    name: str | None,
    push: bool,
    platform: str | None,
    builder: str | None,
    form: str,
) -> None:
    from dispatcher.images import verbs

    wish = verbs.Wish(Path(context), Path(file) if file else None, name, platform, builder, push)
    with settings.dispatcher() as dispatcher:
        rows = verbs.build(dispatcher, zones, wish, output.note)
    if form == "json":
        output.print_json([dataclasses.asdict(row) for row in rows])
        return
    for row in rows:
        output.say(row.reference)
        if row.pushed:
            output.note(f"  in zone {row.zone}: a job takes it as `image: {row.name}`; its tag is {row.tag}")
        else:
            output.note(f"  built for zone {row.zone} and not pushed: the same again with --push")
