"""The metadata server of a job's machine: who the job is, and tokens of its account.

Google's clients find it by GCE_METADATA_HOST, whose path here holds the job's badge: on Google's machines only
their own programs reach it. Source: cloud.google.com/compute/docs/metadata/predefined-metadata-keys.
"""

from __future__ import annotations

from collections.abc import Callable

from localcloud.gcp.api import Api, Request, Route
from localcloud.gcp.errors import denied, not_found
from localcloud.gcp.state import NUMBER, PROJECT, State
from localcloud.gcp.tokens import HOUR, Tokens
from localcloud.jobs.badges import Badges
from localcloud.place import GOOGLE
from localcloud.server.wire import Answer

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_FLAVOR = "Metadata-Flavor"


class Machines:
    """The badges of accounts that jobs run as."""

    def __init__(self, state: State) -> None:
        self.badges = Badges()


def host(state: State, email: str) -> str:
    """What GCE_METADATA_HOST is for programs of an account's jobs: an address without its scheme."""
    badge = state.store(Machines).badges.lend(email)
    return f"{state.url.partition('://')[2]}{GOOGLE}/metadata/{badge}"


def _served(answer: Callable[[State, str, Request], object]) -> Callable[[State, Request], object]:
    """An answer that a machine of the account gives, who says so in a header, as its caller has to."""

    def respond(state: State, request: Request) -> object:
        email = state.store(Machines).badges.holder(request.names["badge"])
        if email is None:
            raise not_found("no machine has this metadata server")
        if request.call.lower.get(_FLAVOR.lower()) != "Google":
            raise denied(
                "Your client does not have permission to get this URL: the header Metadata-Flavor is missing"
            )
        if request.names.get("account", "default") not in ("default", email):
            raise not_found(f"there is no account {request.names['account']} on this machine")
        found = answer(state, email, request)
        if isinstance(found, str):
            return Answer(200, (("Content-Type", "application/text"), (_FLAVOR, "Google")), found.encode())
        return Answer.json(found, Metadata_Flavor="Google")

    return respond


def _token(state: State, email: str, request: Request) -> object:
    text, _ = state.store(Tokens).issue(email, scopes=request.query.get("scopes", SCOPE).split(","))
    return {"access_token": text, "expires_in": int(HOUR) - 1, "token_type": "Bearer"}


def _account(state: State, email: str, request: Request) -> object:
    """What `?recursive=true` asks for; without it the entries are listed by name."""
    whole = {"aliases": ["default"], "email": email, "scopes": [SCOPE]}
    return whole if request.query.get("recursive") == "true" else "aliases\nemail\nscopes\ntoken\n"


def _word(text: str) -> Callable[[State, str, Request], object]:
    return lambda state, email, request: text


_ROOT = "/{badge}/computeMetadata/v1"
_ACCOUNT = f"{_ROOT}/instance/service-accounts/{{account}}"
_ANSWERS: dict[str, tuple[str, Callable[[State, str, Request], object]]] = {
    "/{badge}": ("Ping", _word("computeMetadata/\n")),
    f"{_ROOT}/project/project-id": ("GetProject", _word(PROJECT)),
    f"{_ROOT}/project/numeric-project-id": ("GetProject", _word(NUMBER)),
    f"{_ROOT}/universe/universe-domain": ("GetUniverse", _word("googleapis.com")),
    f"{_ACCOUNT}/": ("GetAccount", _account),
    f"{_ACCOUNT}/email": ("GetAccount", lambda state, email, request: email),
    f"{_ACCOUNT}/token": ("GetToken", _token),
}
API = Api(
    [Route("GET", path, operation, _served(answer)) for path, (operation, answer) in _ANSWERS.items()],
    anonymous=True,
)
