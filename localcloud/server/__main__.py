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

from localcloud.place import Place, Server
from localcloud.server.front import Front
from localcloud.server.moto_app import Moto
from localcloud.server.wire import Answer, Call, Listener


def main(root: str, port: str = "0") -> int:
    """Serve until SIGTERM; holds the place's lock from before it is on record until the process is gone."""
    place = Place(Path(root))
    alive = place.alive.open("w")
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another server already serves {place.root}", file=sys.stderr)
        return 1
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        # moto and boto3 in this process must not pick up the user's own account.
        del os.environ[name]
    fronts: list[Front] = []

    def application(call: Call) -> Answer:
        return fronts[0](call)

    listener = Listener(application, int(port))
    server = Server(os.getpid(), listener.port, secrets.token_hex(16), time.time())
    moto = Moto()
    fronts.append(Front(server, moto))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=listener.stop).start())
    threading.Thread(target=moto.warm, daemon=True).start()
    place.write(server)
    listener.serve()
    place.record.unlink(missing_ok=True)
    sys.stdout.flush()
    # Not sys.exit: threads that still answer clients must not hold the end up.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
