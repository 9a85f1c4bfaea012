"""`python -m tools.checkov`: install Checkov where it is missing; silent and quick where it is there."""

import sys

from tools.apart import main
from tools.checkov import CHECKOV

sys.exit(main(CHECKOV))
