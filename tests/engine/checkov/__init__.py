"""Checkov as a judge of what a stack declares: its state as Terraform JSON, and the verdict."""
