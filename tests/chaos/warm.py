"""Imported by the process that all others of a run are forked from: what each would have to load again."""

from tests.chaos import actors

actors.warm()
