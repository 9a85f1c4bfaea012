"""`make demo`: a real `pulumi up` of a zone on each local cloud, then the example's training on all three."""
