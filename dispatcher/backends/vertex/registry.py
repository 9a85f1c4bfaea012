"""Signing in to Artifact Registry: with the access token that every call to Google Cloud shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.images.login import Login

if TYPE_CHECKING:
    from dispatcher.backends.vertex.session import Session

USER = "oauth2accesstoken"
"""The name that goes with a token (cloud.google.com/artifact-registry/docs/docker/authentication#token)."""


def login(session: Session, host: str) -> Login:
    """Return a login for Google's registries, good for an hour. Raises AuthError and friends."""
    return Login(host, USER, session.token(), session.caller.who)
