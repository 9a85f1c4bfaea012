"""What the engine lane asks of a zone on Google Cloud alone."""
