"""`dispatch ledger`: back a ledger up, read all of it out, make it compact, and take people's names out of it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dispatcher.cli import COMMANDS, Settings, output
from dispatcher.errors import UsageError


@click.group(help=COMMANDS["ledger"])
def command() -> None:
    pass


@command.command("backup", help="Write all of the ledger into FILE, which is a ledger itself.")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(settings: Settings, file: Path) -> None:
    with settings.dispatcher() as dispatcher:
        jobs = dispatcher.upkeep.backup(file)
    output.say(f"{_jobs(jobs)} in {file}; `dispatch --ledger {file} list` reads it")


@command.command("restore", help="Copy a backup into a ledger without jobs: after a loss, or to move.")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def restore(settings: Settings, file: Path) -> None:
    with settings.dispatcher() as dispatcher:
        jobs = dispatcher.upkeep.restore(file)
        name = dispatcher.ledger.name
    output.say(f"{_jobs(jobs)} copied into {name}")


@command.command("export", help="Print every job with its events, as a JSON list with a job on each line.")
@click.pass_obj
def export(settings: Settings) -> None:
    with settings.dispatcher() as dispatcher:
        before = "["
        for document in dispatcher.upkeep.export():
            output.say(before, nl=False)
            output.print_json(document, indent=None)
            before = ","
        output.say("[]" if before == "[" else "]")


@command.command("vacuum", help="Give back the room of what is no longer there.")
@click.pass_obj
def vacuum(settings: Settings) -> None:
    with settings.dispatcher() as dispatcher:
        sizes = dispatcher.upkeep.vacuum()
    output.say(f"{_size(sizes.after)}, {_size(max(0, sizes.before - sizes.after))} less than before")


@command.command("purge", help="Take the names of people and their machines out of jobs that have ended.")
@click.option("--older-than", metavar="AGE", help="Only what ended so long ago, e.g. 90d.")
@click.option("--person", metavar="NAME", help="Only this person's; everybody's without it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def purge(settings: Settings, older_than: str | None, person: str | None, yes: bool) -> None:
    if older_than is None and person is None:
        raise UsageError("whose names, and how old?", "--older-than AGE, --person NAME, or both")
    with settings.dispatcher() as dispatcher:
        age = _age(older_than)
        whose = f"the name of {person} and of that person's machines" if person else "everybody's name and machine"
        ended = f"ended more than {older_than} ago" if older_than else "have ended"
        question = f"Take {whose} out of the jobs in {dispatcher.ledger.name} that {ended}, for good?"
        if not yes and not sys.stdin.isatty():
            raise UsageError("nobody is here to be asked, and what is erased is gone", "-y does not ask")
        if not yes and not output.agreed(question):
            output.note("nothing was changed")
            return
        erased = dispatcher.upkeep.purge(age, person)
    rows = f", {erased.others} other rows" if erased.others else ""
    output.say(f"names are out of {_jobs(erased.submissions)}, {erased.events} events{rows}")
    if erased.open:
        output.note(f"  {_jobs(erased.open)} not ended yet: purge again when they have")
    if erased.left:
        output.note(f"  {erased.left}")
    output.note("  backups, and what jobs wrote on the clouds, still have them")


def _age(text: str | None) -> int:
    from dispatcher.documents import quantities

    try:
        return quantities.seconds(text) if text else 0
    except ValueError as error:
        raise UsageError(f"--older-than {text!r} {error}") from None


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
