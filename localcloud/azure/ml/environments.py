"""Environments: a container image under a name and a version, which never becomes another image."""

from __future__ import annotations

from localcloud.azure import clouds
from localcloud.azure.arm.containerregistry import registry
from localcloud.azure.arm.kinds import Put
from localcloud.azure.arm.store import Document, Resource, Resources
from localcloud.azure.errors import bad
from localcloud.azure.ml.workspaces import WORKSPACES, workspace_of
from localcloud.azure.plane import Request
from localcloud.azure.settings import Settings
from localcloud.azure.state import State

ENVIRONMENTS = f"{WORKSPACES}/environments"
VERSIONS = f"{ENVIRONMENTS}/versions"
_OPEN = frozenset(
    [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "ghcr.io",
        "mcr.microsoft.com",
        "nvcr.io",
        "public.ecr.aws",
        "quay.io",
        "registry.k8s.io",
    ]
)
"""Registries that anybody may pull from, as their own pages say; of others Azure ML has to know a secret."""
_FIXED = ("image", "build", "condaFile", "osType")


def _server(image: str) -> str:
    """Whose registry a reference names; without one it is Docker's (github.com/distribution/reference)."""
    first, slash, _ = image.partition("/")
    return first if slash and (first == "localhost" or set(first) & {".", ":"}) else "docker.io"


def check_version(put: Put) -> None:
    """An image or a build, from a registry that is there, and always the same under one version."""
    properties = put.body.setdefault("properties", {})
    if properties.get("build") or properties.get("condaFile"):
        raise bad("localcloud builds no images: give the environment an image only.", "NotImplemented")
    image = properties.get("image")
    if not image:
        raise bad("An environment needs an image or a build.", "UserError")
    server = _server(image)
    if put.state.store(Settings).check_images and server not in _OPEN:
        ours = clouds.of(workspace_of(put.state, put.target.id).location).registry
        if not server.endswith(f".{ours}"):
            raise bad(f"Azure ML cannot sign in to the container registry {server} of image {image}.", "UserError")
        if registry(put.state, server) is None:
            raise bad(f"The container registry {server} of image {image} was not found.", "UserError")
    properties.setdefault("osType", "Linux")
    resources, parent = put.state.store(Resources), put.target.parent
    if put.old is not None and any(put.old.properties.get(name) != properties.get(name) for name in _FIXED):
        # Words as reported in Azure/azure-cli-extensions#5440.
        name = parent.rpartition("/")[2]
        raise bad(
            f"Environment {name} with version {put.target.name} is already registered and cannot be changed.",
            "UserError",
        )
    if resources.find(parent) is None:
        resources.add(parent, ENVIRONMENTS, parent.rpartition("/")[2], {"properties": {"isArchived": False}})


def made_version(state: State, resource: Resource) -> None:
    properties = resource.properties
    properties.setdefault("isAnonymous", False)
    properties.setdefault("isArchived", False)
    properties |= {"environmentType": "UserCreated", "provisioningState": "Succeeded"}


def shown_environment(state: State, request: Request, resource: Resource, whole: Document) -> Document:
    """With the newest of its versions."""
    versions = state.store(Resources).of(VERSIONS, resource.id)
    newest = max(versions, key=lambda one: one.created, default=None)
    return {**whole, "properties": {**whole["properties"], "latestVersion": newest.name if newest else None}}
