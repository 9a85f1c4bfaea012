"""Jobs that really run: processes in the layout of a cloud's container; each cloud says what that is."""
