"""Chaos: submitters and agents that are killed all the time, clouds with faults, and an oracle that counts."""
