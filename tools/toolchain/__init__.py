"""How a checkout gets a working `pulumi` command line with a Python language host."""
