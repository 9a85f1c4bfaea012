"""The credentials of the role that a job runs with: from the container's endpoint, else from the instance.

Keys in the environment are not used: they are the job's business, and may belong to another account. Sources:
docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html, /feature-imds-credentials.html.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from . import endpoints
from .sigv4 import Credentials
from .world import Answer, Call, Refused, Unreachable, World, is_loopback, said

_SECONDS = 2.0  # that a metadata endpoint, which is on the machine itself, may take
_RELATIVE, _FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN, _TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
_NONE = "the job has no credentials of AWS"


def credentials(world: World) -> Credentials:
    """Return the role's short-lived credentials. Raises Refused when there are none."""
    environment = world.environment
    try:
        if relative := environment.get(_RELATIVE):
            return _of_container(world, endpoints.of("aws")["container"] + relative)
        if full := environment.get(_FULL):
            return _of_container(world, _allowed(full))
        if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            raise Refused(_NONE, f"neither {_RELATIVE} nor {_FULL} is set; is the container isolated?")
        return _of_instance(world)
    except Unreachable as gone:
        raise Refused(f"{_NONE} ({gone})", "is the container isolated from the network?") from gone


def _allowed(url: str) -> str:
    """A full address, which may be sent a token: HTTPS, this machine, or one of AWS's own agents."""
    hosts = endpoints.of("aws")["container_hosts"]
    if url.startswith("https://") or is_loopback(url) or urlsplit(url).hostname in hosts:
        return url
    raise Refused(f"{_FULL} leads to a host that is no metadata endpoint", "unset it: the platform sets it")


def _of_container(world: World, url: str) -> Credentials:
    headers = {"Accept": "application/json"}
    if file := world.environment.get(_TOKEN_FILE):
        try:
            headers["Authorization"] = Path(file).read_text().strip()
        except OSError as error:
            raise Refused(f"{_NONE} ({_TOKEN_FILE}: {error.strerror})") from error
    elif token := world.environment.get(_TOKEN):
        headers["Authorization"] = token
    return _read(world.ask(lambda: Call("GET", url, headers, direct=True, seconds=_SECONDS)))


def _of_instance(world: World) -> Credentials:
    base = world.local("AWS_EC2_METADATA_SERVICE_ENDPOINT") or endpoints.of("aws")["instance"]
    wanted = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}

    def get(method: str, path: str, headers: dict[str, str]) -> Answer:
        return world.ask(lambda: Call(method, f"{base}/latest/{path}", headers, direct=True, seconds=_SECONDS))

    session = get("PUT", "api/token", wanted)
    if session.status != 200:
        raise Refused(f"{_NONE} (the instance's metadata service answered {session.status})")
    headers = {"X-aws-ec2-metadata-token": session.body.decode("ascii", "replace")}
    role = get("GET", "meta-data/iam/security-credentials/", headers)
    if role.status != 200:
        raise Refused(f"{_NONE} (the instance has no role: its metadata service answered {role.status})")
    name = role.body.decode("ascii", "replace").strip().partition("\n")[0]
    return _read(get("GET", f"meta-data/iam/security-credentials/{name}", headers))


def _read(answer: Answer) -> Credentials:
    document = answer.document()
    try:
        return Credentials(document["AccessKeyId"], document["SecretAccessKey"], document["Token"])
    except KeyError:
        words = said(answer.status, document.get("code") or document.get("Code"), document.get("message"))
        raise Refused(f"{_NONE} (the metadata endpoint answered {words})") from None
