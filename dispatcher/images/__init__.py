"""Container images: built or copied into a zone's registry, found again by jobs, asked about before they run."""
