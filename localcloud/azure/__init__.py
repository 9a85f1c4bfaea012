"""Azure on this machine: Resource Manager, Azure ML whose jobs really run, blobs, vaults, identities."""
