"""What this checkout is set up and shown with; nothing here is part of the installed distribution."""
