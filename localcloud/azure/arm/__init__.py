"""Azure Resource Manager: every resource is a document under an id, made by PUT and held to Microsoft's types."""
