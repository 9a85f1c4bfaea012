"""The handlers of the Google types, a module per kind of thing."""
