"""The Azure part of the Pulumi program: one file per concern, roles and data apart from resources."""
