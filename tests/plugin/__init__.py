"""The stand-in Pulumi plugin: its tables, its checks, and its life under the real engine."""
