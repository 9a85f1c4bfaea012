"""The tests as a package, so that lanes can share a harness by its full name."""
