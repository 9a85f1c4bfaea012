"""Makes the tables of the azure-native stand-in out of the installed SDK and the ARM types."""
