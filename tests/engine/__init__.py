"""The engine lane: every stack on the real Pulumi engine, with the stand-in plugins, on the local clouds."""
