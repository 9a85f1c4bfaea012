"""dispatch-run, the entry point inside a container: the same cluster, folders, secrets and end on every cloud.

It is copied into images whose Python is not ours: standard library only, Python 3.9 or newer.
"""

PROGRAM = "dispatch-run"
"""What it is called in an image, found through PATH."""

LABEL = "io.launchway.dispatch-run"
"""The label of an image that has it; its value is the version."""

SECRET, CODE, CODE_SHA256 = "DISPATCH_SECRET_", "DISPATCH_CODE", "DISPATCH_CODE_SHA256"
"""What render sends: references to secrets (`DISPATCH_SECRET_<NAME>`), and a tarball of code with its digest."""
