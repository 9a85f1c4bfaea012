"""Imported by the process that all others of a run are forked from: what each would have to load again."""

import time

from tests.chaos import setting

# Before anything else is loaded: many keep `time.sleep` as the default of an argument.
time.sleep = setting.nap

from tests.chaos import actors, run  # noqa: E402 - see above

assert run  # every process loads the script that began it, which loads this
actors.warm()
