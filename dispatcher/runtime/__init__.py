"""`dispatch-run`: what starts a job inside its container, on every cloud; the standard library only."""
