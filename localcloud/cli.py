"""The `localcloud` command."""

from __future__ import annotations

import json
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from localcloud import control, process
from localcloud.jobs.images import ImageError, Images
from localcloud.place import ACCOUNT, AZURE, GOOGLE, PROJECT, SUBSCRIPTION, Place, leads_elsewhere


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Where it keeps its things.")
@click.version_option(package_name="launchway")
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """AWS, Google Cloud and Azure on this machine: real clients, the real Pulumi engine, and jobs that really run.

    Everything is in the memory of one process behind a loopback port, and gone when it ends.
    """
    try:
        context.obj = Place(home.absolute()) if home else Place.default()
    except RuntimeError as error:
        raise click.ClickException(
            "this user has no home directory: set LOCALCLOUD_HOME, or give --home"
        ) from error


def _start(place: Place, port: int = 0) -> process.Up:
    try:
        up = process.up(place, port)
    except (process.StartError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if up.cleared:
        _say("the last server is gone and its resources with it; cleared its Pulumi state, ledger and jobs")
    _tell_ended(up.ended)
    return up


def _tell_ended(jobs: int) -> None:
    if jobs:
        _say(f"ended {jobs} job{'s'[: jobs > 1]} of queue local")


def _say(text: str) -> None:
    """Tell the person something without touching what a program reads on standard output."""
    click.echo(f"localcloud: {text}", err=True)


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run(place: Place, command: tuple[str, ...]) -> None:
    """Run COMMAND on the local cloud, starting it when needed; it stays up afterwards.

    The exit code is COMMAND's own.
    """
    up = _start(place)
    environment = place.environment(up.server)
    sys.stdout.flush()
    try:
        # COMMAND takes this process over, so that signals and its exit code are its own.
        os.execvpe(command[0], command, environment)
    except FileNotFoundError as error:
        raise click.ClickException(f"{command[0]}: no such command") from error
    except OSError as error:
        raise click.ClickException(f"{command[0]}: {error.strerror}") from error


@main.command()
@click.option("--port", default=0, show_default="a free one", help="Listen on this port.")
@click.pass_obj
def up(place: Place, port: int) -> None:
    """Start the local cloud in the background."""
    up = _start(place, port)
    click.echo(f"{'started' if up.started else 'already up'}: {up.server.url} (pid {up.server.pid})")


@main.command()
@click.pass_obj
def down(place: Place) -> None:
    """End the local cloud, the jobs that run on it and those of queue local; its resources are gone."""
    _tell_ended(process.end_local_jobs(place))
    try:
        server = process.down(place)
    except process.StartError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"ended: {server.url} (pid {server.pid})" if server else "was not up")


@main.command()
@click.pass_obj
def status(place: Place) -> None:
    """Say whether it is up, since when, and which jobs run. Exit code 3 when it is not up."""
    server = process.living(place)
    if server is None:
        click.echo(f"down ({place.root})")
        sys.exit(3)
    health = process.health(server)
    since = datetime.fromtimestamp(server.started, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    click.echo(f"up: {server.url}\npid: {server.pid}\nsince: {since}\nplace: {place.root}")
    click.echo(f"aws: account {ACCOUNT} at {server.url}\ngcp: project {PROJECT} at {server.url}{GOOGLE}")
    click.echo(f"azure: subscription {SUBSCRIPTION} at {server.url}{AZURE}")
    if health is None:
        raise click.ClickException("it does not answer; `localcloud down` ends it")
    jobs = health["jobs"]
    click.echo(f"jobs: {', '.join(jobs) if jobs else 'none running'}")


@main.group()
def image() -> None:
    """Say which local folder stands for which image: images are not pulled."""


@image.command("add")
@click.argument("name", metavar="NAME[:TAG]")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.pass_obj
def add_image(place: Place, name: str, folder: Path) -> None:
    """Let FOLDER be what is in the image: jobs run in a copy of it."""
    try:
        Images(place.images).add(name, folder)
    except ImageError as error:
        raise click.ClickException(str(error)) from error


@image.command("list")
@click.pass_obj
def list_images(place: Place) -> None:
    """Print registered images and their folders."""
    for name, folder in Images(place.images).all().items():
        click.echo(f"{name}\t{folder}")


@image.command("remove")
@click.argument("name", metavar="NAME[:TAG]")
@click.pass_obj
def remove_image(place: Place, name: str) -> None:
    """Forget an image; the folder stays."""
    if not Images(place.images).remove(name):
        raise click.ClickException(f"{name} is not registered")


@main.group()
def faults() -> None:
    """Make the local cloud fail the way real ones do."""


@faults.command("add")
@click.argument("kind")
@click.option(
    "--service",
    default="*",
    show_default=True,
    help="boto3's name, the first label of Google's host, the last of Azure's provider; or a pattern.",
)
@click.option(
    "--operation",
    default="*",
    show_default=True,
    help="Such as CreateTrainingJob, CreateCustomJob or PutJob; or a pattern.",
)
@click.option("--times", default=1, show_default=True, help="How many calls; 0 means until cleared.")
@click.option("--seconds", default=0.0, help="A delay, an age or a duration, as the kind says.")
@click.option("--notice", type=float, help="Seconds between SIGTERM and SIGKILL of an interruption; 0: none.")
@click.option("--told", default="", help="`exit`: Azure ML tells of an interruption by the exit code alone.")
@click.option("--match", multiple=True, metavar="FIELD=PATTERN", help="Only calls whose parameter fits.")
@click.option("--code", default="", help="The error code, for kind `error`.")
@click.option("--message", default="", help="The error text.")
@click.option("--status", default=400, help="The HTTP status, for kind `error`.")
@click.pass_obj
def add_fault(place: Place, /, times: int, match: tuple[str, ...], **rest: Any) -> None:
    """Put a fault in force for the next calls that fit; `faults kinds` lists what there is."""
    fields = {**rest, "times": times or None, "match": dict(_pair(text) for text in match)}
    answer = _control(place, "POST", "/faults", fields)
    click.echo(f"fault {answer['id']}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, pattern = text.partition("=")
    if not equals:
        raise click.UsageError(f"--match {text}: write FIELD=PATTERN")
    return name, pattern


@faults.command("list")
@click.pass_obj
def list_faults(place: Place) -> None:
    """Print the faults in force, one JSON document a line."""
    for fault in _control(place, "GET", "/faults"):
        click.echo(json.dumps(fault))


@faults.command("clear")
@click.argument("number", type=int, required=False)
@click.pass_obj
def clear_faults(place: Place, number: int | None) -> None:
    """Take back one fault, or all."""
    path = "/faults" if number is None else f"/faults/{number}"
    click.echo(f"cleared: {_control(place, 'DELETE', path)['cleared']}")


@faults.command("kinds")
def list_kinds() -> None:
    """Print what can go wrong."""
    from localcloud.server.faults import KINDS

    for kind, meaning in KINDS.items():
        click.echo(f"{kind:10} {meaning}")


@main.command()
@click.option("--service", default="", help="Only this service.")
@click.option("--operation", default="", help="Only this operation.")
@click.pass_obj
def requests(place: Place, service: str, operation: str) -> None:
    """Print the requests seen, one JSON document a line."""
    query = urlencode({"service": service, "operation": operation})
    for entry in _control(place, "GET", f"/requests?{query}"):
        click.echo(json.dumps(entry))


@main.command("set")
@click.option("--check-images/--no-check-images", default=None, help="Whether a job's repository must exist.")
@click.option(
    "--inside/--outside",
    default=None,
    help="Whether callers are in the networks of Azure's private storage, vaults and workspaces.",
)
@click.option("--stop-seconds", type=float, help="Between SIGTERM and SIGKILL of a stopped job.")
@click.pass_obj
def change(place: Place, /, **changes: Any) -> None:
    """Change and print the server's settings."""
    given = {name: value for name, value in changes.items() if value is not None}
    click.echo(json.dumps(_control(place, "POST", "/settings", given)))


def _control(place: Place, method: str, path: str, body: object = None) -> Any:
    server = process.living(place)
    if server is None:
        raise click.ClickException("it is not up; `localcloud up` starts it")
    try:
        return control.call(server, method, path, body)
    except (control.ControlError, OSError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.pass_obj
def env(place: Place) -> None:
    """Print shell lines that point this shell at the local cloud: eval "$(localcloud env)"."""
    server = _start(place).server
    settings = place.settings(server)
    for name in sorted(name for name in os.environ if leads_elsewhere(name) and name not in settings):
        click.echo(f"unset {name}")
    for name, value in settings.items():
        click.echo(f"export {name}={shlex.quote(value)}")
