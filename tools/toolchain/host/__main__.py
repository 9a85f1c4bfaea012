"""`pulumi-language-python`: serve one engine on a loopback port, print the port, end with the engine."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import stat
import sys
import threading
from concurrent import futures
from pathlib import Path
from types import FrameType

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from tools.toolchain.host.child import Children
from tools.toolchain.host.service import Host

_LARGEST_MESSAGE = 400 * 1024 * 1024  # as the engine's own channels; big stacks send big configuration


def main(arguments: list[str], executor: Path) -> int:
    """Serve until SIGINT, SIGTERM or the engine's death; then stop the program and return 0."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python", description=__doc__)
    parser.add_argument("--tracing", default="")
    parser.add_argument("--logtostderr", action="store_true")
    parser.add_argument("-v", dest="verbosity", default="0")
    parser.add_argument("engine", nargs="?", default="")
    options = parser.parse_args(arguments)

    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    children = Children()
    limits = [(f"grpc.max_{way}_message_length", _LARGEST_MESSAGE) for way in ("send", "receive")]
    server = grpc.server(futures.ThreadPoolExecutor(16), options=limits)
    host = Host(executor, children, engine=options.engine, tracing=options.tracing)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    _end_with_engine(ended)
    ended.wait()
    children.stop_all()
    server.stop(grace=0.5).wait()
    return 0


def _end_with_engine(ended: threading.Event) -> None:
    """The engine holds our standard input open for as long as it lives, however it dies."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        ended.set()

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(sys.argv[0]).with_name("pulumi-language-python-exec")))
