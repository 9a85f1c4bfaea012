"""`python -m tools.checkov`: install Checkov where it is missing; silent and quick where it is there."""

from __future__ import annotations

import sys

from tools.checkov import place


def main() -> int:
    """Install; 1 with the reason when that fails."""
    try:
        place.install()
    except place.NotInstalled as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
