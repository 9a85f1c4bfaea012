"""Where inputs and outputs of a job lie: addresses of datastores and blobs become directories of containers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from localcloud.azure import clouds
from localcloud.azure.arm.storage import account, container
from localcloud.azure.arm.store import Resources
from localcloud.azure.blob.containers import Containers
from localcloud.azure.errors import AzureError, bad
from localcloud.azure.ml.workspaces import DATASTORES
from localcloud.azure.state import State

_STORE = re.compile(
    r"azureml:(?://subscriptions/(?P<subscription>[^/]+)/resource[gG]roups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft\.MachineLearningServices)?/workspaces/(?P<workspace>[^/]+)|/)"
    r"/datastores/(?P<store>[^/]+)/paths/(?P<path>.*)"
)
_BLOB = re.compile(
    r"(?:https|wasbs)://(?:(?P<first>[a-z0-9-]+)@)?(?P<account>[a-z0-9]+)\.blob"
    rf"\.(?P<storage>{'|'.join(map(re.escape, clouds.storages()))})/?(?P<rest>.*)"
)


@dataclass(frozen=True, slots=True)
class Folder:
    """A path of a container."""

    account: str
    container: str
    path: str

    def directory(self, state: State) -> Path:
        """Where it lies on this machine; the container's lock is the state's."""
        with state.lock:
            state.store(Containers).of(self.account, self.container)
            return state.store(Containers).root / self.account / self.container / self.path


def resolve(state: State, workspace: str, uri: str) -> Folder:
    """The folder an address leads to. Raises AzureError when there is nothing there to lead to."""
    if found := _STORE.fullmatch(uri):
        return _in_store(state, workspace, found)
    if found := _BLOB.fullmatch(uri):
        name, _, path = found["rest"].partition("/")
        name, path = (found["first"], found["rest"]) if found["first"] else (name, path)
        there = account(state, found["account"])
        if there is not None and clouds.of(there.location).storage != found["storage"]:
            raise bad(f"The storage account of {uri} is in another cloud of Azure.", "UserError")
        return _in_account(state, found["account"], name, path)
    raise bad(f"The data path {uri} is not one of a datastore or of a blob of this cloud.", "UserError")


def _in_store(state: State, workspace: str, found: re.Match[str]) -> Folder:
    if found["workspace"]:
        own = workspace.split("/")
        named = [found["subscription"], found["group"], found["workspace"]]
        if [word.lower() for word in named] != [own[2].lower(), own[4].lower(), own[8].lower()]:
            raise bad(f"The datastore of {found[0]} belongs to another workspace.", "UserError")
    store = state.store(Resources).find(f"{workspace}/datastores/{found['store']}")
    if store is None or store.kind != DATASTORES:
        raise bad(f"Could not find datastore {found['store']} in the workspace.", "UserError")
    account, name = str(store.properties["accountName"]), str(store.properties["containerName"])
    return _in_account(state, account, name, found["path"])


def _in_account(state: State, account: str, name: str, path: str) -> Folder:
    if container(state, account, name) is None:
        raise AzureError(
            400, "UserError", f"The specified container {name} of storage account {account} does not exist."
        )
    if any(part in ("..", ".") for part in path.split("/")):
        raise bad(f"The path {path} leaves its container.", "UserError")
    return Folder(account, name, path.strip("/"))
