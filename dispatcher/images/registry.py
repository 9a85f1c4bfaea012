"""One registry over the Docker Registry HTTP API v2: manifests and blobs, read and written."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlencode, urljoin, urlsplit

from dispatcher.backends import standin
from dispatcher.errors import DispatchError, NotFoundError
from dispatcher.images import transport
from dispatcher.images.challenge import Authority
from dispatcher.images.login import Denied, Login
from dispatcher.images.transport import Answer, Body, Transport

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")

_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_REDIRECTS = (301, 302, 303, 307, 308)
_PULL, _PUSH = "pull", "pull,push"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The bytes of a manifest or index, which its digest is of, and what kind they are."""

    digest: str
    media_type: str
    content: bytes


class Registry:
    """Repositories of one host. Making it reaches nothing.

    Methods raise NotFoundError, Denied (named after who asked), UnreachableError, or DispatchError for the rest.
    """

    def __init__(self, host: str, login: Login | None, calls: Transport) -> None:
        self.host = "docker.io" if host in _DOCKER_HUB else host
        self.identity = login.identity if login else "somebody who is not signed in"
        self._local = transport.stand_in()
        self._calls = calls
        self._authority = Authority(urlsplit(self._root("")).netloc, login, calls)

    def repository(self, name: str) -> str:
        """Return the full name of a repository; Docker Hub's own images are in `library`."""
        return f"library/{name}" if self.host == "docker.io" and "/" not in name else name

    def manifest(self, repository: str, reference: str) -> Manifest:
        """Return the manifest or index that a tag or digest names, checked against its digest."""
        accept = {"Accept": ", ".join((*INDEXES, *MANIFESTS))}
        with self._call("GET", repository, f"manifests/{reference}", _PULL, accept) as answer:
            self._check(answer, repository, reference, 200)
            content = answer.read()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if reference.startswith("sha256:") and digest != reference:
            raise DispatchError(f"{self.host} answers for {repository}@{reference} with the content {digest}")
        return Manifest(digest, answer.headers.get("Content-Type", "").partition(";")[0], content)

    def has_manifest(self, repository: str, reference: str) -> bool:
        """Tell whether a tag or digest is there."""
        accept = {"Accept": ", ".join((*INDEXES, *MANIFESTS))}
        with self._call("HEAD", repository, f"manifests/{reference}", _PUSH, accept) as answer:
            if answer.status == 404:
                return False
            self._check(answer, repository, reference, 200)
            return True

    def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> None:
        """Write a manifest under a tag or digest; its blobs are there already."""
        kind = {"Content-Type": manifest.media_type}
        path, content = f"manifests/{reference}", manifest.content
        with self._call("PUT", repository, path, _PUSH, kind, transport.whole(content), len(content)) as answer:
            self._check(answer, repository, reference, 201)

    def small_blob(self, repository: str, digest: str) -> bytes:
        """Return a blob that fits into memory, such as an image's configuration."""
        with self.blob(repository, digest) as stream:
            content = stream.read(8 << 20)
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise DispatchError(f"{self.host} answers for blob {digest} of {repository} with other content")
        return content

    @contextlib.contextmanager
    def blob(self, repository: str, digest: str) -> Iterator[IO[bytes]]:
        """Open a blob, which a registry may keep elsewhere."""
        with self._call("GET", repository, f"blobs/{digest}", _PULL) as answer, contextlib.ExitStack() as opened:
            for _ in range(3):
                if answer.status not in _REDIRECTS:
                    break
                target = urljoin(answer.url, answer.headers["Location"])
                self._check_safe(target)
                answer = opened.enter_context(self._calls.send("GET", target, {}))
            self._check(answer, repository, digest, 200)
            yield answer.stream

    def put_blob(
        self, repository: str, digest: str, size: int, content: Body, *, source: str | None = None
    ) -> bool:
        """Write a blob of `size` bytes unless it is there, and tell whether it was not.

        `source` is a repository of this registry that has it: the registry then takes it from there, if it can.
        In one piece: ECR and Artifact Registry take no second (aws/containers-roadmap#2831, kitops-ml/kitops#822).
        """
        with self._call("HEAD", repository, f"blobs/{digest}", _PUSH) as answer:
            if answer.status == 200 or answer.status in _REDIRECTS:
                return False
            if answer.status != 404:
                self._check(answer, repository, digest, 200)
        query = f"?{urlencode({'mount': digest, 'from': source})}" if source else ""
        with self._call("POST", repository, f"blobs/uploads/{query}", _PUSH) as answer:
            if answer.status == 201:
                return False
            self._check(answer, repository, digest, 202)
            target = urljoin(answer.url, answer.headers["Location"])
        self._check_safe(target)
        target += f"{'&' if urlsplit(target).query else '?'}{urlencode({'digest': digest})}"
        shown = self._authority.shown(self._scope(repository, _PUSH)) if self._own(target) else {}
        kind = {"Content-Type": "application/octet-stream", **shown}
        with self._calls.send("PUT", target, kind, content, size) as answer:
            self._check(answer, repository, digest, 201)
        return True

    def _root(self, repository: str) -> str:
        """The API's address of a repository."""
        if self._local:
            return f"{self._local}/v2/{self.host}/{repository}"
        return f"https://{'registry-1.docker.io' if self.host == 'docker.io' else self.host}/v2/{repository}"

    def _scope(self, repository: str, actions: str) -> str:
        within = f"{self.host}/{repository}" if self._local else repository
        return f"repository:{within}:{actions}"

    @contextlib.contextmanager
    def _call(
        self,
        method: str,
        repository: str,
        path: str,
        actions: str,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
        size: int = 0,
    ) -> Iterator[Answer]:
        url, scope = f"{self._root(repository)}/{path}", self._scope(repository, actions)
        for last in (False, True):
            shown = {**(headers or {}), **self._authority.shown(scope)}
            with self._calls.send(method, url, shown, body, size) as answer:
                challenge = answer.headers.get("WWW-Authenticate", "")
                if last or answer.status != 401 or not self._authority.meet(challenge, scope):
                    yield answer
                    return

    def _check(self, answer: Answer, repository: str, what: str, wanted: int) -> None:
        """Raise for any other answer than `wanted`."""
        if answer.status == wanted:
            return
        name = f"{self.host}/{repository}{'@' if what.startswith('sha256:') else ':'}{what}"
        words = answer.words()
        said = f" ({words})" if words else ""
        if answer.status == 404:
            raise NotFoundError(f"{name} is not there{said}")
        if answer.status in (401, 403):
            raise Denied(f"{self.host} refuses {name} to {self.identity}{said}")
        raise DispatchError(f"{self.host} answers {answer.status} for {name}{said}")

    def _own(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self._root("")).netloc

    def _check_safe(self, url: str) -> None:
        """Refuse to read or write layers in the clear, except on this machine when it stands in."""
        parts = urlsplit(url)
        if parts.scheme == "https" and not self._local:
            return
        if self._local and standin.loopback(parts.hostname or ""):
            return
        raise DispatchError(f"{self.host} sends us to {parts.scheme}://{parts.netloc}, which is not safe")
