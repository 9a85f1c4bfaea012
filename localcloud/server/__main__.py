"""Start of the server process: `python -m localcloud.server PLACE [PORT]`."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path

from localcloud.aws.front import Aws
from localcloud.aws.moto_app import Moto
from localcloud.aws.sagemaker import model
from localcloud.aws.sagemaker.account import MotoAccount
from localcloud.aws.sagemaker.runs import Clients, TrainingRuns
from localcloud.aws.sagemaker.service import SageMaker
from localcloud.azure.front import Azure
from localcloud.azure.settings import Settings
from localcloud.gcp.front import Google
from localcloud.gcp.vertex.jobs import CustomJobs
from localcloud.jobs.images import Images
from localcloud.jobs.runner import Runner
from localcloud.place import Place, Server
from localcloud.server import watch
from localcloud.server.desk import Desk
from localcloud.server.front import Front
from localcloud.server.wire import Answer, Call, Listener
from localcloud.state import State


def main(root: str, port: str = "0") -> int:
    """Serve until SIGTERM; holds the place's lock from before it is on record until the process is gone."""
    place = Place(Path(root))
    alive = place.alive.open("w")
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another server already serves {place.root}", file=sys.stderr)
        return 1
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_"))]:
        # Nothing in this process may pick up the user's own account.
        del os.environ[name]
    os.environ.update({"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    parts: list[Front] = []

    def application(call: Call) -> Answer:
        return parts[0](call)

    try:
        listener = Listener(application, int(port))
    except OSError as error:
        print(f"port {port}: {error.strerror}", file=sys.stderr)
        return 1
    server = Server(os.getpid(), listener.port, secrets.token_hex(16), time.time())
    front = _front(place, server)
    parts.append(front)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=listener.stop).start())
    threading.Thread(target=_warm, args=(front,), daemon=True).start()
    watching = watch.start(place)
    place.write(server)
    listener.serve()
    front.runner.kill()
    watch.dismiss(watching)
    place.record.unlink(missing_ok=True)
    sys.stdout.flush()
    # Not sys.exit: threads that still answer clients must not hold the end up.
    os._exit(0)


def _front(place: Place, server: Server) -> Front:
    moto = Moto()
    account = MotoAccount(moto)
    runner = Runner(place.jobs, Images(place.images))
    clients = Clients(server.url)
    google = Google(State(place, server.url))
    google.state.store(CustomJobs).runner = runner
    azure = Azure(State(place, server.url, secret=server.secret))
    azure.state.store(Settings).runner = runner
    aws = Aws(moto, SageMaker(account, TrainingRuns(runner, clients)), account, clients)
    front = Front(aws, google, azure, runner)
    runner.fault_for = lambda kind, run: front.job_fault(kind, run.created)
    front.control = Desk(server, front)
    return front


def _warm(front: Front) -> None:
    """Load what a session usually needs while nobody waits for it."""
    front.aws.moto.warm()
    model.service()
    front.aws.clients.warm()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
