"""Signing in to ECR: a token of twelve hours for whoever calls (GetAuthorizationToken)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dispatcher.backends import standin
from dispatcher.backends.sagemaker import image
from dispatcher.backends.sagemaker.faults import translated
from dispatcher.images.login import Login

if TYPE_CHECKING:
    from dispatcher.backends.sagemaker.session import Session


def local(session: Session) -> bool:
    """Tell whether a local cloud stands in for AWS, which has no registry of its own."""
    with translated(session):
        return standin.loopback(urlsplit(session.client("ecr").meta.endpoint_url).hostname or "")


def login(session: Session, host: str) -> Login:
    """Return a login for a private ECR registry, of its own region: a token counts there only.

    Raises AuthError and friends.
    """
    region = image.region(host) or session.zone.region
    with translated(session):
        here = region == session.zone.region
        client = session.client("ecr") if here else session.client_in("ecr", region)
        (data,) = client.get_authorization_token()["authorizationData"]
    user, _, secret = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    agent = session.identity == "agent"
    return Login(host, user, secret, session.zone.identities.agent if agent else "your own identity")
