"""The `localcloud` command."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from localcloud import process
from localcloud.place import Place, leads_elsewhere


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Where it keeps its things.")
@click.version_option(package_name="launchway")
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """AWS on this machine: real clients, the real Pulumi engine, and training jobs that really run.

    Everything is in the memory of one process behind a loopback port, and gone when it ends.
    """
    context.obj = Place(home.absolute()) if home else Place.default()


def _start(place: Place, port: int = 0) -> process.Up:
    try:
        up = process.up(place, port)
    except (process.StartError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if up.cleared:
        _say("the last server is gone and its resources with it; cleared its Pulumi state, ledger and jobs")
    return up


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
    try:
        child = subprocess.Popen(command, env=environment)
    except FileNotFoundError as error:
        raise click.ClickException(f"{command[0]}: no such command") from error
    except OSError as error:
        raise click.ClickException(f"{command[0]}: {error.strerror}") from error
    while True:
        try:
            code = child.wait()
            break
        except KeyboardInterrupt:
            # The terminal sent it to COMMAND too, which decides what it means.
            continue
    # A command that a signal ended is reported the way a shell does.
    sys.exit(code if code >= 0 else 128 - code)


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
    """End the local cloud and the jobs that run on it; its resources are gone."""
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
    if health is None:
        raise click.ClickException("it does not answer; `localcloud down` ends it")
    jobs = health["jobs"]
    click.echo(f"jobs: {', '.join(jobs) if jobs else 'none running'}")


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
