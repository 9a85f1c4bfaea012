"""Blob Storage: accounts' containers as directories, over the service's own REST protocol."""
