"""Where one local cloud keeps its things on disk, and the environment that makes other programs use it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ACCOUNT = "123456789012"
"""The account every resource belongs to: the one moto answers for."""

PROJECT = "launchway-local"
NUMBER = ACCOUNT
"""The Google Cloud project every resource belongs to: its id and its number."""

GOOGLE = "/_gcp"
"""Google's APIs are at `/_gcp/<service>/<path>`: no S3 bucket can have a name that starts so."""

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
"""The Azure subscription every resource belongs to."""
TENANT = "00000000-0000-4000-8000-0000000000aa"
PERSON = "00000000-0000-4000-8000-0000000000bb"
"""The object id of the person who is signed in to Azure, who owns the subscription."""

CREDENTIALS = "/_aws/credentials"
"""Where programs of a training job are given the credentials of its execution role."""

AZURE = "/_azure"
"""Azure is at `/_azure/<plane>/<path>`: `arm`, `blob/<account>`, `ml/<region>`, `vault/<name>`, `identity`."""

DEFAULT_REGION = "us-east-1"
HOST = "127.0.0.1"
PASSPHRASE = "localcloud"
"""Protects nothing: there are no secrets in a local cloud, but Pulumi asks for one."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server process: `token` proves over HTTP that it is ours, `started` is UTC seconds since 1970."""

    pid: int
    port: int
    token: str
    started: float

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def secret(self) -> str:
        """What programs of this place show to be given tokens of Azure; the token of the server stays with us."""
        return hashlib.sha256(f"identity {self.token}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """One directory per local cloud; two clouds in two places know nothing of each other."""

    root: Path

    @classmethod
    def default(cls, environment: Mapping[str, str] = os.environ) -> Place:
        """`$LOCALCLOUD_HOME`, else `launchway/localcloud` in the user's state directory.

        Raises RuntimeError when nothing says where that is.
        """
        if home := environment.get("LOCALCLOUD_HOME"):
            return cls(Path(home).absolute())
        state = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return cls(Path(state).absolute() / "launchway" / "localcloud")

    @property
    def record(self) -> Path:
        """Who serves here, written by the server itself once it listens."""
        return self.root / "server.json"

    @property
    def alive(self) -> Path:
        """Locked by the server for as long as it lives: the kernel lets go however it ends."""
        return self.root / "server.lock"

    @property
    def starting(self) -> Path:
        """Locked by whoever is starting or ending the server, so that two of them take turns."""
        return self.root / "up.lock"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def images(self) -> Path:
        """Which local folder stands for which image; survives the server."""
        return self.root / "images.json"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.db"

    @property
    def local_jobs(self) -> Path:
        """Where `dispatch` keeps the jobs of its own backend `local`: beside the ledger."""
        return self.root / "local-jobs"

    @property
    def google_account(self) -> Path:
        """The throw-away service-account key that Google's clients sign in with."""
        return self.root / "google-account.json"

    @property
    def google_objects(self) -> Path:
        """What is in the buckets of Cloud Storage."""
        return self.root / "gcs"

    @property
    def google_config(self) -> Path:
        """An empty configuration for gcloud and for clients that look for its credentials."""
        return self.root / "gcloud"

    @property
    def azure_blobs(self) -> Path:
        """What is in the containers of storage accounts."""
        return self.root / "blobs"

    @property
    def azure_config(self) -> Path:
        """An empty directory in the place of the user's own sign-in to Azure."""
        return self.root / "azure"

    @property
    def pulumi_home(self) -> Path:
        return self.root / "pulumi" / "home"

    @property
    def pulumi_state(self) -> Path:
        return self.root / "pulumi" / "state"

    def prepare(self) -> None:
        """Make the directories and empty files that `environment` refers to; private to the user."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for directory in (
            self.jobs,
            self.google_objects,
            self.google_config,
            self.azure_blobs,
            self.azure_config,
            self.pulumi_home,
            self.pulumi_state,
        ):
            directory.mkdir(parents=True, exist_ok=True)
        for name in ("aws-config", "aws-credentials"):
            (self.root / name).touch()

    def read(self) -> Server | None:
        """The server on record, which may be gone; None when there is none or the record is torn."""
        try:
            return Server(**json.loads(self.record.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, server: Server) -> None:
        """Put a server on record in one step, readable by this user only: it holds the token."""
        torn = self.record.with_suffix(".new")
        torn.touch(mode=0o600)
        torn.write_text(json.dumps(asdict(server)))
        torn.replace(self.record)

    def clear(self) -> bool:
        """Remove what described resources of a server that is gone; True when there was anything."""
        stale = [self.record, self.jobs, self.google_objects, self.azure_blobs, self.pulumi_state]
        stale += [self.ledger.with_name(self.ledger.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
        found = False
        for path in stale:
            if path.is_dir():
                found = found or any(path.iterdir())
                shutil.rmtree(path)
            elif path.exists():
                found = True
                path.unlink()
        return found

    def settings(self, server: Server, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The variables that point the clients of AWS, Google and Azure, Pulumi and the dispatcher at this cloud.

        The region is the caller's when set: everything local answers in every region.
        """
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
        both = ",".join(environment.get(name, "") for name in ("NO_PROXY", "no_proxy"))
        direct = ",".join(dict.fromkeys([*filter(None, both.split(",")), HOST, "localhost"]))
        programs = str(Path(sys.executable).parent)
        path = [programs, *(p for p in environment.get("PATH", os.defpath).split(os.pathsep) if p != programs)]
        return {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.root / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.root / "aws-credentials"),
            "DISPATCH_GCP_ENDPOINT": server.url + GOOGLE,
            "STORAGE_EMULATOR_HOST": f"{server.url}{GOOGLE}/storage",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.google_account),
            "CLOUDSDK_CONFIG": str(self.google_config),
            # No question to a metadata server, which only machines of Google's have.
            "NO_GCE_CHECK": "true",
            "DISPATCH_AZURE_ENDPOINT": server.url + AZURE,
            # What App Service gives its programs: azure-identity takes it over HTTP, but no authority.
            "IDENTITY_ENDPOINT": f"{server.url}{AZURE}/identity",
            "IDENTITY_HEADER": server.secret,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CONFIG_DIR": str(self.azure_config),
            "NO_PROXY": direct,
            "no_proxy": direct,  # gRPC, which Pulumi's processes speak among themselves, reads only this one
            "LOCALCLOUD_HOME": str(self.root),
            "DISPATCH_LEDGER": str(self.ledger),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_BACKEND_URL": self.pulumi_state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PATH": os.pathsep.join(path),
        }

    def environment(self, server: Server, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """A whole environment for a child process: the caller's, without what leads to a real account."""
        kept = {name: value for name, value in environment.items() if not leads_elsewhere(name)}
        return kept | self.settings(server, environment)


_ELSEWHERE = (
    *("AWS_", "GOOGLE_", "CLOUDSDK_", "GCE_METADATA_", "GCLOUD_"),
    *("AZURE_", "ARM_", "MSI_", "IDENTITY_", "IMDS_", "AZUREML_"),
)


def leads_elsewhere(name: str) -> bool:
    """Whether a variable could make a client reach a real account instead of the local cloud."""
    return name.startswith(_ELSEWHERE) or name in (
        "STORAGE_EMULATOR_HOST",
        "NO_GCE_CHECK",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "PULUMI_CREDENTIALS_PATH",
        "PULUMI_DEBUG_PROVIDERS",
    )
