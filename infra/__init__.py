"""The Pulumi program that builds landing zones, as a package: `infra.zone.Zone` is there for programs of your own."""
