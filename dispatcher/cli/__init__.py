"""The `dispatch` command: names its commands here, loads each one's module only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from dispatcher import __version__
from dispatcher.errors import DispatchError, ExitCode, Problem, SpecError

if TYPE_CHECKING:
    from dispatcher.api import Dispatcher

COMMANDS = {
    "submit": "Check a job file, put it into a queue and start it.",
    "list": "List jobs, newest first.",
    "show": "Show one job: its state, why it waits, and what happened.",
    "logs": "Print the lines a job wrote.",
    "wait": "Wait until a job has ended.",
    "cancel": "Cancel jobs.",
    "set-priority": "Give a job that waits another priority.",
    "retry": "Run a job that has ended again, from its checkpoint.",
    "fetch": "Bring a job's outputs here.",
    "history": "What ran, for whom, and what it cost.",
    "queue": "Look at queues, pause, drain and resume them.",
    "agent": "Run the queues for ever: send what waits, watch what runs.",
    "build": "Build an image for the registry of a zone, and push it.",
    "image": "Copy images between registries, show them, and write dispatch-run for them.",
    "sweep": "Search a job's parameters: start a sweep, see its best trial, stop and resume it.",
    "sync": "Read zones and queues from a Pulumi stack into the ledger.",
    "check": "Check job, sweep, queue and outputs files without a network.",
    "ledger": "Back the ledger up, read all of it out, take names out of it.",
    "doctor": "Check this machine, the ledger and every zone.",
    "completion": "Print the shell completion script.",
}
"""Command -> one line of help; it lives in dispatcher.cli.commands.<command>, `-` as `_`, as `command`."""


class Lazy(click.Group):
    """A group whose commands are modules that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module = cmd_name.replace("-", "_")
        command: click.Command = import_module(f"dispatcher.cli.commands.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from dispatcher.documents.reading import did_you_mean

            raise click.UsageError(f"There is no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


class Settings:
    """What the options before the command say; opens the dispatcher when a command asks for it."""

    def __init__(self, ledger: str | None, debug: bool) -> None:
        self.ledger = ledger
        self.debug = debug

    def dispatcher(self) -> Dispatcher:
        """The dispatcher on the chosen ledger."""
        from dispatcher.api import Dispatcher
        from dispatcher.cli import output

        opened = Dispatcher(self.ledger)
        opened.notice = output.note
        return opened


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dispatch", message="%(prog)s %(version)s")
@click.option(
    "--ledger",
    metavar="PLACE",
    help="The ledger: a file or a postgresql:// address; else $DISPATCH_LEDGER, else your own file.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def group(ctx: click.Context, ledger: str | None, debug: bool) -> None:
    """Submit training jobs to the queues of your landing zones.

    Exit codes: 0 ok, 2 wrong usage or file, 3 refused by a rule, 4 not signed in or not allowed, 5 quota,
    6 no capacity, 7 not found, 8 unreachable, 9 job failed, 10 job timed out, 130 interrupted, 1 anything else.
    """
    ctx.obj = Settings(ledger, debug)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error becomes a message on stderr."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    try:
        result: Any = group.main(arguments, prog_name="dispatch", standalone_mode=False)
        return result if isinstance(result, int) else ExitCode.OK
    except click.exceptions.NoArgsIsHelpError as error:
        _say(error.format_message())
        return ExitCode.USAGE
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return ExitCode.INTERRUPTED
    except SystemExit:
        # Outside standalone mode click leaves so only when whoever read our output has gone (`| head`).
        return ExitCode.OK
    except DispatchError as error:
        _trace(error) if debug else None
        return _refuse(error)
    except Exception as error:
        _trace(error) if debug else None
        return _unexpected(error, debug)


def main() -> None:
    """The entry point of `dispatch`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name or log line that the terminal's encoding lacks is shown escaped and ends nothing.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(int(run()))


def _usage(error: click.ClickException) -> int:
    ctx = getattr(error, "ctx", None)
    _say(f"error: {error.format_message()}")
    if ctx is not None:
        _say(f"  {ctx.command_path} --help shows how it is used")
    return ExitCode.USAGE


def _refuse(error: DispatchError) -> int:
    if isinstance(error, SpecError):
        from dispatcher.cli import output

        for problem in error.problems:
            output.say_problem(problem)
        # A remedy says what did change, such as a job that was recorded as failed.
        _say(f"error: {counted(error.problems)}{'' if error.remedy else '; nothing was changed'}")
    else:
        _say(f"error: {error.message}")
    if error.remedy:
        _say("\n".join(f"  {line}" for line in error.remedy.splitlines()))  # at once: a key may have many lines
    return error.exit_code


def counted(problems: Sequence[Problem]) -> str:
    """How many problems, in words."""
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"


def _trace(error: Exception) -> None:
    """Where an error came from, for `--debug`; its message is as much of an output as any other."""
    import traceback

    _say("".join(traceback.format_exception(error)).rstrip())


def _unexpected(error: Exception, debug: bool) -> int:
    words = " ".join(str(error).split()) or "no further words"
    _say(f"error: unexpected {type(error).__name__}: {words}")
    how = "report it with the lines above" if debug else "run it again as dispatch --debug ... to see where"
    _say(f"  this is a bug: {how}")
    return ExitCode.UNEXPECTED


def _say(text: str) -> None:
    from dispatcher.cli import output

    output.say(text, err=True)
