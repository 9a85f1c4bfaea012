"""The throw-away service-account key of a place: what makes Google's clients sign in to the local cloud."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.place import GOOGLE, PROJECT, Place, Server

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

EMAIL = f"developer@{PROJECT}.iam.gserviceaccount.com"
"""Who signs in: it stands for the person at the keyboard, and owns nothing."""

_BITS = 2048


def ensure(place: Place, server: Server) -> None:
    """Make the key file of a place unless it is there and leads to this server; only this user may read it.

    The key is made once and kept: it opens nothing but the local cloud.
    """
    file, token_uri = place.google_account, f"{server.url}{GOOGLE}/oauth2/token"
    private = _private(file)
    if private is not None and json.loads(file.read_text())["token_uri"] == token_uri:
        return
    write(file, EMAIL, private or _make(), token_uri)


def write(file: Path, email: str, private: str, token_uri: str) -> None:
    """Write a key file for an account, in one step; only this user may read it."""
    document = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "localcloud",
        "private_key": private,
        "client_email": email,
        "client_id": "1" * 21,
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(document, out, indent=2)
    fresh.replace(file)


def _private(file: Path) -> str | None:
    """The key in a file, as PEM; None when there is none."""
    try:
        return str(json.loads(file.read_text())["private_key"])
    except (OSError, ValueError, KeyError):
        return None


def _make() -> str:
    """A new private key, as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def signed(place: Place, message: bytes, signature: bytes) -> bool:
    """Whether the place's key made an RS256 signature of a message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    private = _private(place.google_account)
    if private is None:
        return False
    try:
        _public(private).verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


@functools.lru_cache(maxsize=4)
def _public(private: str) -> rsa.RSAPublicKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    loaded = serialization.load_pem_private_key(private.encode(), None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return loaded.public_key()
