"""Which hardware a job runs on and what it may cost: catalog, choice, estimate."""

from dispatcher.placement.catalog import Hardware, catalog
from dispatcher.placement.cost import Estimate, estimate
from dispatcher.placement.selection import choose, surplus

__all__ = ["Estimate", "Hardware", "catalog", "choose", "estimate", "surplus"]
