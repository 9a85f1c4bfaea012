"""`dispatch sweep`: one job searched over a space of parameters, how far it is, and the best trial."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dispatcher.cli import COMMANDS, Settings, asking, output
from dispatcher.errors import ExitCode
from dispatcher.ledger.rows import ACTIVE, FINAL, QUEUED

if TYPE_CHECKING:
    from dispatcher.api import Dispatcher
    from dispatcher.sweeps.planning import Start
    from dispatcher.sweeps.state import State, Trial

START = "start"


class Starting(click.Group):
    """A group whose first word may be a file: `dispatch sweep sweep.yaml` starts it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else None
        if first is not None and first not in self.commands and first not in ctx.help_option_names:
            self._refuse_slip(ctx, first)
            args = [START, *args]
        return super().parse_args(ctx, args)

    def _refuse_slip(self, ctx: click.Context, word: str) -> None:
        """Tell a command that is misspelt from a file that is missing."""
        if "." in word or "/" in word or word.startswith("-") or Path(word).exists():
            return
        from dispatcher.documents.reading import did_you_mean

        raise click.UsageError(
            f"There is no command and no file {word!r}; {did_you_mean(word, list(self.commands))}", ctx
        )


@click.group(cls=Starting, help=COMMANDS["sweep"], subcommand_metavar="SWEEP_FILE | COMMAND [ARGS]...")
def command() -> None:
    pass


def _sweep_argument(function: output.F) -> output.F:
    """SWEEP: an id, an unambiguous beginning of one, or a name."""
    return click.argument("sweep")(function)


_wait = click.option(
    "--wait", is_flag=True, help="Wait until the sweep has ended. Without it, an agent or `dispatch wait` runs it."
)


@command.command(START, help="Put all trials of a file into a queue (`start` may be left out).")
@click.argument("file", metavar="SWEEP_FILE")
@asking.queue_option
@click.option("-P", "--priority", metavar="WORD", help="critical, high, medium or low; else what the file says.")
@click.option("--set", "sets", metavar="PATH=VALUE", multiple=True, help="Change the job of all trials.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="Add an environment variable to all trials.")
@asking.allow_plain_option
@asking.prices_option("the estimate and max_cost")
@click.option("--dry-run", is_flag=True, help="Print the trials and what they cost at most; send nothing.")
@_wait
@click.option("-y", "--yes", is_flag=True, help="Do not ask before trials go to a cloud.")
@output.output_option
@click.pass_obj
def start(
    settings: Settings,
    file: str,
    queue: str | None,
    priority: str | None,
    sets: tuple[str, ...],
    env: tuple[str, ...],
    allow_plain: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    wait: bool,
    yes: bool,
    form: str,
) -> int:
    from dispatcher.documents.changes import Changes

    with settings.dispatcher() as dispatcher:
        changes = Changes(sets=sets, env=env, priority=priority, allow_plain=allow_plain)
        planned = dispatcher.sweeps.plan(file, queue, changes=changes, prices=prices, ask=not dry_run)
        if dry_run:
            _print_plan(planned, form)
            return 0
        for warning in planned.warnings:
            output.note(f"warning: {warning}")
        if not asking.goes(f"Submit {_describe(planned)}?", planned.cloud, yes=yes):
            return ExitCode.INTERRUPTED
        dispatcher.notice = output.note
        found = dispatcher.sweeps.start(planned)
        if form == "text":
            output.say(f"sweep {found.row.id}: {_describe(planned)}")
        return _follow(dispatcher, found, form, wait=wait)


@command.command("status", help="Show the trials, what each reported, and the best.")
@_sweep_argument
@click.option("--refresh", is_flag=True, help="Ask the cloud first, and read what ended trials reported.")
@output.output_option
@click.pass_obj
def status(settings: Settings, sweep: str, refresh: bool, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        found = dispatcher.sweeps.refresh(sweep) if refresh else dispatcher.sweeps.show(sweep)
        warning = dispatcher.stalled() if found.row.ended_at is None else None
    _print_state(found, form)
    if warning:
        output.note(f"warning: {warning}")


@command.command("list", help="List the sweeps, newest first.")
@output.limit_options
@output.output_option
@click.pass_obj
def list_sweeps(settings: Settings, limit: int, everything: bool, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        found, total = dispatcher.sweeps.list(None if everything else limit)
        now = dispatcher.clock()
    if form == "json":
        output.print_json([state.as_json() for state in found])
        return
    if not found:
        output.note("no sweeps yet: dispatch sweep SWEEP_FILE starts one")
        return
    heads = ("ID", "SWEEP", "QUEUE", "STATE", "TRIALS", "BEST", "WHO", "AGE")
    output.print_table(heads, [_row(state, now) for state in found], state=3)
    if total > len(found):
        output.note(f"... and {total - len(found)} older (--all, or -n)")


@command.command("stop", help="Let no further trial start; what runs goes on.")
@_sweep_argument
@click.option("--running", is_flag=True, help="Stop what runs too: it keeps its checkpoints.")
@click.option("--wait", is_flag=True, help="Wait until nothing of it runs any more.")
@output.output_option
@click.pass_obj
def stop(settings: Settings, sweep: str, running: bool, wait: bool, form: str) -> None:
    with settings.dispatcher() as dispatcher:
        found = dispatcher.sweeps.stop(sweep, running=running)
        if wait:
            dispatcher.notice = output.note
            found = dispatcher.sweeps.wait(found.row.id)
    if form == "json":
        output.print_json(found.as_json())
        return
    output.say(f"sweep {found.row.id} {found.row.state}: {_counts(found)}")
    if found.row.state in ("stopping", "stopped"):
        output.note(f"  dispatch sweep resume {found.row.id} goes on with it")


@command.command("resume", help="Run what was stopped, or never recorded.")
@_sweep_argument
@click.option("--failed", is_flag=True, help="Run the trials again that failed or timed out, too.")
@asking.prices_option("the estimate and max_cost")
@_wait
@output.output_option
@click.pass_obj
def resume(settings: Settings, sweep: str, failed: bool, prices: str | None, wait: bool, form: str) -> int:
    from dispatcher.sweeps import rules

    with settings.dispatcher() as dispatcher:
        dispatcher.notice = output.note
        found = dispatcher.sweeps.resume(sweep, failed=failed, prices=prices)
        if form == "text":
            word = "goes on" if found.row.ended_at is None else "has ended"
            output.say(f"sweep {found.row.id} {word}: {_counts(found)}")
            if found.row.ended_at is not None and not failed and any(map(found.counts.get, rules.BAD)):
                output.note(f"  dispatch sweep resume {found.row.id} --failed runs again what failed")
        return _follow(dispatcher, found, form, wait=wait)


def _follow(dispatcher: Dispatcher, found: State, form: str, *, wait: bool) -> int:
    """Stay with a sweep if so wished, and say how it stands. Trials that fail are no failure of the command."""
    id = found.row.id
    if wait:
        try:
            found = dispatcher.sweeps.wait(id, lambda state: _progress(state) if form == "text" else None)
        except KeyboardInterrupt:
            output.note(f"\nsweep {id} goes on: dispatch sweep status {id}, or dispatch sweep stop {id}")
            return ExitCode.INTERRUPTED
    if wait or form == "json":
        _print_state(found, form)
    else:
        output.note(f"  dispatch sweep status {id} shows how far it is; dispatch sweep stop {id} ends it")
    return ExitCode.JOB_FAILED if wait and not found.counts.get("succeeded") else ExitCode.OK


def _progress(found: State) -> None:
    best = f"; best {_best(found)}" if found.best else ""
    output.note(f"  {_counts(found)}{best}")


def _describe(planned: Start) -> str:
    trials = planned.trials
    many = "1 trial" if len(trials) == 1 else f"{len(trials)} trials"
    total = planned.total
    currency = trials[0].plan.estimate.currency
    cost = f"at most {total:.2f} {currency}" if isinstance(total, Decimal) else "price unknown"
    return f"{planned.sweep.name}, {many} to queue {planned.queue}, {cost}"


def _print_plan(planned: Start, form: str) -> None:
    if form == "json":
        output.print_json(planned.as_json())
        return
    names = list(planned.trials[0].point)
    rows = [
        (str(trial.number), trial.plan.hardware, *map(_text, trial.point.values())) for trial in planned.trials
    ]
    output.print_table(("TRIAL", "HARDWARE", *names), rows)
    for warning in planned.warnings:
        output.note(f"warning: {warning}")
    output.note(f"dry run: {_describe(planned)}. Nothing was sent.")


def _print_state(found: State, form: str) -> None:
    if form == "json":
        output.print_json(found.as_json())
        return
    row, metric = found.row, found.sweep.metric
    goal = None
    if metric is not None:
        goal = f"{metric.goal} {metric.name}" + (f" to {metric.target:g}" if metric.target is not None else "")
    cost = f"{found.cost:.2f} {found.currency}" if found.cost is not None else None
    output.print_fields(
        {
            "sweep": f"{row.id}  {row.name}",
            "state": output.coloured(row.state, row.state) + (f": {row.reason}" if row.reason else ""),
            "search": ", ".join(filter(None, [found.sweep.method, goal])),
            "queue": found.queue,
            "trials": _counts(found),
            "best": _best(found),
            "cost": cost,
            "started": f"{row.submitted_at} by {row.who} on {row.host}",
            "ended": row.ended_at,
        }
    )
    names = list(found.trials[0].point) if found.trials else []
    if names:
        output.say()
        heads = ("TRIAL", "ID", "STATE", (metric.name if metric else "METRIC").upper(), *names, "NOTE")
        output.print_table(heads, [_trial(found, trial) for trial in found.trials], state=2)
    if found.missing:
        many = len(found.missing)
        output.note(f"{many} trials were never recorded: dispatch sweep resume {row.id} adds them")


def _trial(found: State, trial: Trial) -> tuple[str, ...]:
    entry = trial.entry
    notes = []
    if found.best is not None and found.best.number == trial.number:
        notes.append("best")
    elif entry.state == "succeeded" and trial.value is None and found.sweep.metric is not None:
        notes.append("no metric in its log")
    if entry.preemptions:
        notes.append("preempted once" if entry.preemptions == 1 else f"preempted {entry.preemptions} times")
    if entry.state in ("failed", "timed_out") and entry.reason:
        notes.append(entry.reason.splitlines()[0])
    value = "-" if trial.value is None else f"{trial.value:g}"
    return (str(trial.number), entry.id, entry.state, value, *map(_text, trial.point.values()), "; ".join(notes))


def _text(value: object) -> str:
    from dispatcher.sweeps import space

    return space.text(value) if isinstance(value, str | int | float | bool) else ""


def _counts(found: State) -> str:
    """`8 trials: 2 running, 5 queued, 1 succeeded`."""
    many = "1 trial" if found.wanted == 1 else f"{found.wanted} trials"
    counts = [
        f"{found.counts[state]} {state}" for state in (*ACTIVE, QUEUED, *sorted(FINAL)) if found.counts[state]
    ]
    return f"{many}: {', '.join(counts)}" if counts else many


def _best(found: State) -> str | None:
    best, metric = found.best, found.sweep.metric
    if best is None or metric is None:
        return None
    from dispatcher.sweeps import space

    return f"trial {best.number} ({best.entry.id}): {metric.name}={best.value:g} with {space.shown(best.point)}"


def _row(found: State, now: float) -> tuple[str, ...]:
    done = sum(trial.entry.final for trial in found.trials)
    best, metric = found.best, found.sweep.metric
    value = f"{metric.name}={best.value:g}" if best is not None and metric is not None else "-"
    row = found.row
    age = output.age(row.submitted_at, now)
    return (row.id, row.name, found.queue, row.state, f"{done}/{found.wanted}", value, row.who, age)
