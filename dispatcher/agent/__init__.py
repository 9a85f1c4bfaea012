"""The agent: scheduling ticks for ever, beside any number of others on one ledger."""
