"""Who is at work on a ledger: agents by name, and the turns of what one process does at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection

from dispatcher.ledger.engine import Engine
from dispatcher.ledger.rows import AgentRow, Turn
from dispatcher.ledger.statements import insert, marks, read, values


def turn(engine: Engine, wanted: Turn, now: str, alive: Callable[[str], bool | None]) -> bool:
    """As Ledger.turn. Compared and swapped: who was read must still hold it, so that one of many gets it."""
    found = read(engine, Turn, "turns WHERE name = ?", (wanted.name,))
    if not found:
        with engine.change() as db:
            return db.run(f"{insert('turns', Turn)} ON CONFLICT (name) DO NOTHING", values(wanted)) == 1
    held = found[0]
    if held.owner != wanted.owner and held.until > now and alive(held.owner) is not False:
        return False
    with engine.change() as db:
        changed = db.run(
            "UPDATE turns SET token = ?, owner = ?, until = ? WHERE name = ? AND token = ? AND owner = ?",
            (wanted.token, wanted.owner, wanted.until, wanted.name, held.token, held.owner),
        )
        return changed == 1


def check_in(engine: Engine, agent: AgentRow, stale: str, dead: Collection[str]) -> bool:
    """As Ledger.check_in."""
    fields = [name for name in AgentRow.__dataclass_fields__ if name != "name"]
    gone = f" OR agents.owner IN ({marks(dead)})" if dead else ""
    with engine.change() as db:
        changed = db.run(
            f"{insert('agents', AgentRow)} ON CONFLICT (name) DO UPDATE SET"
            f" {', '.join(f'{name} = excluded.{name}' for name in fields)}"
            f" WHERE agents.token = excluded.token OR agents.seen_at <= ?{gone}",
            [*values(agent), stale, *sorted(dead)],
        )
        return changed == 1
