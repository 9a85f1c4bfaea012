"""Makes data/*.json out of the provider's schema, its Go source and the SDK; used when data is renewed."""
