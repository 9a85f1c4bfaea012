"""`python -m tools.postgres`: get a PostgreSQL server for the tests; silent and quick where there is one."""

import sys

from tools.apart import NotInstalled
from tools.postgres import install

try:
    install()
except NotInstalled as failure:
    print(failure, file=sys.stderr)
    sys.exit(1)
