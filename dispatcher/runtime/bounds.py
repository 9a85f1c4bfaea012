"""How large `code` may be, packed and unpacked: one set of numbers for who packs it and who unpacks it.

They are ours, not a cloud's: a folder of programs stays far below them; one with data or a model does not, and
those belong into `inputs`. An archive that unpacks to more than they say was not packed here.
"""

ARCHIVE_BYTES = 64 * 1024 * 1024
"""Bytes of the compressed archive, which every node reads before it starts."""

UNPACKED_BYTES = 256 * 1024 * 1024
"""Bytes of all files together."""

FILES = 10_000
"""How many files."""
