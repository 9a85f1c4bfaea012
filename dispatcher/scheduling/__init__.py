"""One scheduling tick over one ledger, and everything that waits for, claims, observes or ends a job."""
