"""The AWS part of the Pulumi program: one file per concern, documents and data apart from resources."""
