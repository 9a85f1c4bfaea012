"""Tests of the Pulumi program: settings, documents, names and data, without an engine."""
