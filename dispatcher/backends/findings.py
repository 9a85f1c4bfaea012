"""Everything that rendering finds wrong or worth saying, gathered so that a user sees it all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from dispatcher.errors import PolicyRefusal, Problem, SpecError

T = TypeVar("T")


@dataclass(slots=True)
class Findings:
    """Problems of what was written, refusals by a rule, and warnings, in the order they were found."""

    problems: list[Problem] = field(default_factory=list)
    refusals: list[PolicyRefusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def problem(self, path: str, rule: str, remedy: str = "", source: str = "job") -> None:
        """Note that `path` of the job (or of `source`) is wrong."""
        self.problems.append(Problem(source, None, path, rule, remedy))

    def refuse(self, rule: str, what: str, remedy: str) -> None:
        """Note that `rule` (its name in the contract, queue or regime) forbids it."""
        self.refusals.append(PolicyRefusal(f"{rule}: {what}", remedy))

    def warn(self, text: str) -> None:
        """Note something that is allowed and probably not meant."""
        self.warnings.append(text)

    def attempt(self, step: Callable[[], T]) -> T | None:
        """Run `step`; when it is refused, keep the reason and return None so that the rest is checked too."""
        try:
            return step()
        except SpecError as error:
            self.problems += error.problems
        except PolicyRefusal as error:
            self.refusals.append(error)
        return None

    def settle(self) -> None:
        """Raise SpecError for the problems, or PolicyRefusal for the refusals, if there are any."""
        if self.problems:
            raise SpecError(self.problems)
        if len(self.refusals) == 1:
            raise self.refusals[0]
        if self.refusals:
            raise PolicyRefusal("\n".join(map(str, self.refusals)))
