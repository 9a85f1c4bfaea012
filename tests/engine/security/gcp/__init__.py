"""The checks of a zone on Google Cloud, read over the REST paths of its APIs."""
