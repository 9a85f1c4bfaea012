"""Which module handles which Google Cloud type or invoke."""

from __future__ import annotations

from localcloud.plugin.gcp.session import Gcp
from localcloud.plugin.handling import Registry

REGISTRY: Registry[Gcp] = Registry(
    "localcloud.plugin.gcp.handlers",
    {
        "accesscontextmanager": ("generated",),
        "artifactregistry": ("generated", "members", "lookups"),
        "billing": ("generated",),
        "compute": ("generated", "nat", "lookups"),
        "dns": ("generated", "records"),
        "iam": ("generated", "lookups"),
        "kms": ("generated", "members", "lookups"),
        "logging": ("logs", "lookups"),
        "monitoring": ("generated",),
        "organizations": ("lookups",),
        "projects": ("projects", "members", "audit", "lookups"),
        "secretmanager": ("generated", "members"),
        "serviceaccount": ("accounts", "members", "lookups"),
        "servicenetworking": ("peering",),
        "storage": ("buckets", "members", "lookups"),
    },
)
