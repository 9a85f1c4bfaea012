"""Makes a property table out of a Terraform provider's schema, its Go source and a Pulumi SDK."""
