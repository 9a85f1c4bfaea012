"""dispatch: one portable job file becomes an exact, policy-checked training job on a governed landing zone."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the Python API on first use, so that `import dispatcher` costs nothing."""
    if name == "Dispatcher":
        from dispatcher.api import Dispatcher

        return Dispatcher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
