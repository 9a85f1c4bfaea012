"""What must be true of a zone on the cloud itself: independent reads with boto3, none of which asks our own code.

Each check is a function over a `View` that yields one sentence per violation. The engine lane runs all of them on
every stack, and proves with mutations of `infra/` that each can turn red (test_mutations.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.engine.security import audit, identity, network, storage
from tests.engine.security.view import View

Check = Callable[[View], Iterator[str]]

CHECKS: Mapping[str, Check] = {
    f"{part.__name__.rsplit('.', 1)[1]}.{name}": check
    for part in (audit, identity, network, storage)
    for name, check in vars(part).items()
    if callable(check) and getattr(check, "__module__", "") == part.__name__ and not name.startswith("_")
}

__all__ = ["CHECKS", "Check", "View"]
