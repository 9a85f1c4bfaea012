"""The Pulumi program that builds landing zones; `infra.zone.Zone` is importable by programs of your own."""
