"""`dispatch-run [--print] [--] COMMAND...`: prepare what the container lacks, run the command, end as it ends."""

from __future__ import annotations

import sys


def main() -> int:
    """Run with the words of this process, and return the exit code: the command's own once it has started."""
    raise NotImplementedError("this is the interface only")


if __name__ == "__main__":
    sys.exit(main())
