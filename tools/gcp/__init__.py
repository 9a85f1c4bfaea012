"""Scripts that write the Google Cloud data files and documents of this repository."""
