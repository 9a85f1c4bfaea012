"""The real lane: the AWS part of every stack on the real AWS provider, against the same local AWS."""
