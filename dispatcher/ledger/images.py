"""Recorded images, in the ledger's database."""

from __future__ import annotations

import dataclasses

from dispatcher.ledger.engine import Engine
from dispatcher.ledger.rows import ImageRow
from dispatcher.ledger.statements import insert, read, values


def record(engine: Engine, image: ImageRow) -> None:
    """As Ledger.record_image: what is recorded again moves to the end, and is the newest."""
    same = (image.zone, image.name, image.digest)
    with engine.change() as db:
        pushed = db.rows("DELETE FROM images WHERE zone = ? AND name = ? AND digest = ? RETURNING pushed", same)
        kept = dataclasses.replace(image, pushed=1) if (1,) in pushed else image
        db.run(insert("images", ImageRow), values(kept))


def found(engine: Engine, zone: str | None, name: str | None) -> list[ImageRow]:
    """As Ledger.images."""
    given = {"zone": zone, "name": name}
    wanted = {column: value for column, value in given.items() if value is not None}
    where = " WHERE " + " AND ".join(f"{column} = ?" for column in wanted) if wanted else ""
    return read(engine, ImageRow, f"images{where} ORDER BY seq DESC", list(wanted.values()))
