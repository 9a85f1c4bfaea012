"""Scripts that write the AWS data files and documents of this repository."""
