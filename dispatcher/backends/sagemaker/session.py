"""Who we are on AWS: whatever the user is signed in as, becoming the zone's agent role with fresh credentials.

botocore finds and refreshes credentials (environment, profiles, SSO, instance roles); nothing here reads or
stores any. boto3 itself is not loaded: it would add half a second and nothing that is needed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dispatcher import __version__
from dispatcher.errors import AuthError, NotInstalledError, UsageError

if TYPE_CHECKING:
    from dispatcher.contract import AwsZone

ATTEMPTS, LONGEST_PAUSE = 5, 20
"""Tries of one call, the first included; botocore's standard mode waits longer before each, at most 20 s."""
CONNECT, READ = 10, 60
"""Seconds that one try waits for a connection, and for an answer."""
SLOWEST = 2 * (ATTEMPTS * (CONNECT + READ) + (ATTEMPTS - 1) * LONGEST_PAUSE)
"""Seconds after which a call has ended one way or the other: becoming the agent first, then the call itself."""
_NAME_MAX = 64


class Session:
    """Clients of one zone's services for one person. Making it reads nothing; the first client does."""

    def __init__(self, zone: AwsZone, *, identity: str, user: str) -> None:
        if identity not in ("agent", "ambient"):
            raise UsageError(f"identity is {identity!r}, not agent or ambient")
        self.zone = zone
        self.identity = identity
        self.user = user
        self._base: Any = None
        self._acting = False
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service in the zone's region; the same one every time."""
        if service not in self._clients:
            self._clients[service] = self._session().create_client(
                service, region_name=self.zone.region, config=_config()
            )
        return self._clients[service]

    def client_in(self, service: str, region: str) -> Any:
        """Return the client of a service in another region, as the same identity."""
        return self._session().create_client(service, region_name=region, config=_config())

    def sign_in(self) -> str:
        """Say how to sign in, as one command, from what the user's configuration shows."""
        profile = self._base.get_config_variable("profile") if self._base else None
        if profile:
            scoped = self._base.full_config.get("profiles", {}).get(profile, {})
            if any(key.startswith("sso_") for key in scoped):
                return f"run: aws sso login --profile {profile}"
            return f"renew the credentials of profile {profile}: aws configure --profile {profile}"
        return (
            "run: aws sso login --profile NAME && export AWS_PROFILE=NAME "
            "(or export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN)"
        )

    def _session(self) -> Any:
        if self._base is None:
            self._base = _botocore_session()
        if self.identity == "agent" and not self._acting:
            self._become_agent()
            self._acting = True
        return self._base

    def _become_agent(self) -> None:
        """Put the agent role's credentials, renewed before they end, in the place of the user's.

        One session serves both: a second one would read botocore's data files a second time.
        """
        from botocore import credentials

        source = self._base.get_component("credential_provider").load_credentials()
        if source is None:
            raise AuthError("not signed in to AWS: no credentials were found", self.sign_in())
        region, base = self.zone.region, self._base

        def create(service: str, **keys: Any) -> Any:
            return base.create_client(service, region_name=region, config=_config(), **keys)

        fetcher = credentials.AssumeRoleCredentialFetcher(
            create,
            source,
            self.zone.identities.agent,
            extra_args={"RoleSessionName": session_name(self.user), "SourceIdentity": source_identity(self.user)},
        )

        class AgentRole(credentials.CredentialProvider):  # type: ignore[misc] # botocore is not typed
            METHOD = "launchway-agent"

            def load(self) -> Any:
                return credentials.DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

        base.register_component("credential_provider", credentials.CredentialResolver([AgentRole()]))


def _botocore_session() -> Any:
    try:
        import botocore.session
    except ImportError as error:
        raise NotInstalledError("aws", error) from error
    return botocore.session.get_session()


def _config() -> Any:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT,
        read_timeout=READ,
        user_agent_extra=f"launchway/{__version__}",
    )


def session_name(user: str) -> str:
    """Return the role session name that carries the person: 2 to 64 of the characters STS allows."""
    return f"dispatch-{_allowed(user)}"[:_NAME_MAX]


def source_identity(user: str) -> str:
    """Return the source identity that names the person in every CloudTrail record, even after further roles."""
    name = _allowed(user)
    return (name if len(name) > 1 else f"user-{name}")[:_NAME_MAX]


def _allowed(user: str) -> str:
    """Replace what STS refuses in a name (`[\\w+=,.@-]`, and the reserved beginning `aws:`)."""
    return re.sub(r"[^A-Za-z0-9_+=,.@-]+", "-", user).strip("-") or "unknown"
