"""The engine lane: every stack on the real Pulumi engine, with the stand-in plugin, on the local AWS."""
