"""`dispatch retry`: run a job that has ended again, as a new one that goes on where it was."""

from __future__ import annotations

import click

from dispatcher.cli import COMMANDS, Settings, asking, output, sending


@click.command(help=COMMANDS["retry"])
@output.job_argument
@click.option("--fresh", is_flag=True, help="Begin anew, without the checkpoints of the earlier one.")
@asking.prices_option("the estimate")
@sending.options
@output.output_option
@click.pass_obj
def command(
    settings: Settings,
    job: str,
    fresh: bool,
    prices: str | None,
    wait: bool,
    follow: bool,
    yes: bool,
    form: str,
) -> int:
    with settings.dispatcher() as dispatcher:
        plan = dispatcher.plan_retry(job, fresh=fresh, prices=prices)
        if plan.checkpoints_of is not None:
            output.note(f"it goes on with the checkpoints of {plan.checkpoints_of}")
        return sending.send(dispatcher, plan, form, wait=wait or follow, follow=follow, yes=yes)
