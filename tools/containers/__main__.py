"""`python -m tools.containers`: get what the image tests need; silent and quick where it is there."""

import sys

from tools.apart import NotInstalled
from tools.containers import install

if sys.platform != "linux":
    print("the lane images is left out: buildah builds on Linux only", file=sys.stderr)
    sys.exit(0)
try:
    install()
except NotInstalled as failure:
    print(failure, file=sys.stderr)
    sys.exit(1)
