"""`python -m tools.containers`: get what the image tests need; silent and quick where it is there."""

import sys

from tools.apart import NotInstalled
from tools.containers import install

try:
    install()
except NotInstalled as failure:
    print(failure, file=sys.stderr)
    sys.exit(1)
