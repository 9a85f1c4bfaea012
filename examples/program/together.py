"""Processes of one training, on one node or on many: who starts them, and how they add up what each has found.

`torch.distributed` does it when torch is installed; else the lines below do, with nothing but sockets. Both meet
where dispatch-run says, on every cloud the same: node NODE_RANK of DISPATCH_NODES, at MASTER_ADDR:MASTER_PORT.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from types import FrameType
from typing import Protocol

PATIENCE = 600.0
"""Seconds that processes wait for each other: machines of one job do not come up at the same time."""
STARTED = "TOGETHER_STARTED"


class Group(Protocol):
    """This process among `size`, of which it is number `rank`; `by` says what connects them."""

    rank: int
    size: int
    by: str

    def total(self, values: Sequence[float]) -> list[float]:
        """Add up the values of all processes, place by place; every process gets the same, to the last bit."""
        ...


def node() -> int:
    """Which node this is, counted from 0."""
    return int(os.environ.get("NODE_RANK") or os.environ.get("DISPATCH_NODE_RANK") or 0)


def started() -> bool:
    """Whether this is one of the processes already: ours, or torchrun's, which starts them as we do."""
    return STARTED in os.environ or "TORCHELASTIC_RUN_ID" in os.environ


def start(processes: int) -> int:
    """Run this program so many times on this node, and return the exit code: the first that is not 0.

    SIGTERM goes to all of them. When one fails the others are ended: they would wait for it.
    """
    nodes = int(os.environ.get("DISPATCH_NODES") or 1)
    ranks = range(node() * processes, (node() + 1) * processes)
    world = {"WORLD_SIZE": str(nodes * processes), "LOCAL_WORLD_SIZE": str(processes), STARTED: "1"}
    children = [
        subprocess.Popen(
            [sys.executable, *sys.argv],
            env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank % processes)},
        )
        for rank in ranks
    ]

    def end(number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, end)
    failed = 0
    while any(child.poll() is None for child in children):
        if not failed and (failed := next(filter(None, (child.poll() for child in children)), 0)):
            end()
        time.sleep(0.05)
    failed = failed or next((child.returncode for child in children if child.returncode), 0)
    return failed if failed >= 0 else 128 - failed


def join() -> Group:
    """Meet the other processes; returns when all are there."""
    rank, size = int(os.environ.get("RANK") or 0), int(os.environ.get("WORLD_SIZE") or 1)
    if size == 1:
        return Alone()
    first = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return Torch(rank, size, first) if find_spec("torch") else Tcp(rank, size, first)


class Alone:
    """The only process."""

    rank, size, by = 0, 1, "itself"

    def total(self, values: Sequence[float]) -> list[float]:
        return list(values)


class Torch:
    """Processes that torch connects, on CPUs."""

    by = "torch.distributed"

    def __init__(self, rank: int, size: int, first: tuple[str, int]) -> None:
        import torch
        from torch import distributed

        self.rank, self.size, self._torch, self._distributed = rank, size, torch, distributed
        place = f"tcp://{first[0]}:{first[1]}"
        distributed.init_process_group("gloo", init_method=place, rank=rank, world_size=size)
        atexit.register(distributed.destroy_process_group)  # else its threads may abort a program that is over

    def total(self, values: Sequence[float]) -> list[float]:
        tensor = self._torch.tensor(values, dtype=self._torch.float64)
        self._distributed.all_reduce(tensor)
        return [float(value) for value in tensor]


class Tcp:
    """Processes that meet at the first one, which adds up, always in the same order, and tells the others."""

    by = "sockets"

    def __init__(self, rank: int, size: int, first: tuple[str, int]) -> None:
        self.rank, self.size = rank, size
        self._others: list[socket.socket] = []
        deadline = time.monotonic() + PATIENCE
        if rank:
            self._others = [_reach(first, deadline)]
            self._others[0].sendall(struct.pack("!q", rank))
            return
        with socket.create_server(first, backlog=size) as door:
            door.settimeout(PATIENCE)
            came: dict[int, socket.socket] = {}
            while len(came) < size - 1:
                guest, _ = door.accept()
                came[struct.unpack("!q", _receive(guest, 8))[0]] = guest
        self._others = [came[other] for other in sorted(came)]

    def total(self, values: Sequence[float]) -> list[float]:
        form = f"!{len(values)}d"
        if self.rank:
            self._others[0].sendall(struct.pack(form, *values))
            return list(struct.unpack(form, _receive(self._others[0], 8 * len(values))))
        added = list(values)
        for other in self._others:
            theirs = struct.unpack(form, _receive(other, 8 * len(values)))
            added = [mine + its for mine, its in zip(added, theirs, strict=True)]
        for other in self._others:
            other.sendall(struct.pack(form, *added))
        return added


def _reach(first: tuple[str, int], deadline: float) -> socket.socket:
    """Connect to the first process, which may not be there yet."""
    while True:
        try:
            found = socket.create_connection(first, timeout=10)
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"nobody came to {first[0]}:{first[1]} in {PATIENCE:.0f} s: {error}") from error
            time.sleep(0.2)
        else:
            found.settimeout(PATIENCE)
            return found


def _receive(source: socket.socket, count: int) -> bytes:
    """Read so many bytes. Leaves the program when the other side is gone."""
    data = b""
    while len(data) < count:
        part = source.recv(count - len(data))
        if not part:
            raise SystemExit("another process of the training is gone")
        data += part
    return data
