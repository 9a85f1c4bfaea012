"""Lending a short-lived login to another program: a file of its own, beside what the user has signed in to."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dispatcher.images.login import Login

_LINKED = ("cli-plugins", "contexts", "buildx", "tls", "machine")
"""What docker keeps beside its config.json, and does not find when told of another folder."""


def lent(logins: Sequence[Login], environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment in which docker, crane, podman, buildah and skopeo are signed in as `logins` say.

    The user's own sign-ins stay as they are and count too; the files are in `folder`, readable by the user only.
    """
    if not logins:
        return dict(environment)
    docker = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or Path.home()) / ".docker")
    config = folder / "docker"
    config.mkdir(mode=0o700)
    for name in _LINKED:
        if (docker / name).exists():
            (config / name).symlink_to(docker / name)
    base = _document(docker / "config.json")
    # Docker asks a helper before it looks at the file; an empty name for our host says that there is none.
    own = {login.host: "" for login in logins}
    helpers = {**base.get("credHelpers", {}), **own} if "credsStore" in base or "credHelpers" in base else {}
    _write(config / "config.json", {**_with(base, logins), **({"credHelpers": helpers} if helpers else {})})
    containers = next((_document(file) for file in _files(environment) if file.is_file()), base)
    others = {host: name for host, name in containers.get("credHelpers", {}).items() if host not in own}
    _write(folder / "auth.json", {**_with(containers, logins), **({"credHelpers": others} if others else {})})
    return {**environment, "DOCKER_CONFIG": str(config), "REGISTRY_AUTH_FILE": str(folder / "auth.json")}


def _files(environment: Mapping[str, str]) -> list[Path]:
    """Where podman, buildah and skopeo look for sign-ins, in their order (containers-auth.json(5))."""
    places = [environment.get("REGISTRY_AUTH_FILE")]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        places.append(f"{runtime}/containers/auth.json")
    if home := environment.get("XDG_CONFIG_HOME") or environment.get("HOME"):
        places.append(
            f"{home}/containers/auth.json"
            if "XDG_CONFIG_HOME" in environment
            else f"{home}/.config/containers/auth.json"
        )
    return [Path(place) for place in places if place]


def _with(base: Mapping[str, Any], logins: Sequence[Login]) -> dict[str, Any]:
    ours = {one.host: {"auth": base64.b64encode(f"{one.user}:{one.secret}".encode()).decode()} for one in logins}
    return {**base, "auths": {**base.get("auths", {}), **ours}}


def _document(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(file: Path, document: Mapping[str, Any]) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(document, opened)
