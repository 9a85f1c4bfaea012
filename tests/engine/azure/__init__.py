"""What the engine lane asks of a zone on Azure alone."""
