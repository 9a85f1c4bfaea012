"""A Python language host for a `pulumi` that was built from source (docs/toolchain.md says what it covers)."""
