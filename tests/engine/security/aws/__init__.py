"""The checks of a zone on AWS, read with boto3."""
