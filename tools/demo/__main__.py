"""`python -m tools.demo [--clean]`: run the demo, or clean up after it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from localcloud.place import Place
from tools import demo
from tools.demo import story
from tools.demo.commands import StepFailed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo or clean up after it; the exit code is that of the first step that failed."""
    parser = argparse.ArgumentParser(prog="make demo", description=demo.__doc__)
    parser.add_argument("--clean", action="store_true", help="remove everything the demo made")
    options = parser.parse_args(arguments)
    place = Place.default()
    try:
        story.clean(place) if options.clean else story.tell()
    except StepFailed as failure:
        print(f"\nthe demo stopped: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
