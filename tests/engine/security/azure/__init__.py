"""The checks of a zone on Azure, read over the REST paths of Resource Manager."""
