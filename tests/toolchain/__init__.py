"""The toolchain: how `pulumi` is obtained, and our Python language host under the real engine."""
