"""The Google Cloud part of the Pulumi program: one file per concern, permissions and data apart from resources."""
