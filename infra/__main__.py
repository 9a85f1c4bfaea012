"""The Pulumi program: configuration in, zones built, contract out."""

import sys
from datetime import UTC, datetime
from pathlib import Path

# The engine runs this folder, not the package it belongs to.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi

from infra import config, exports
from infra.zone import Zone, ZoneArgs, accounts

environment = config.load()
shared = accounts(environment)
zones = {
    zone.name: Zone(zone.name, ZoneArgs(environment, zone, shared[zone.cloud, zone.account])).contract
    for zone in environment.zones
}
for name, value in exports.of(environment, zones, datetime.now(UTC)).items():
    pulumi.export(name, value)
