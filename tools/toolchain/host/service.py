"""The `LanguageRuntime` service: what the engine asks of a language host, answered for Python."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2, language_pb2_grpc, plugin_pb2

from tools.toolchain.host import interpreter, packages, program
from tools.toolchain.host.child import Children
from tools.toolchain.host.interpreter import HostError, Interpreter

VERSION = "0.1.0"


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers one engine. `executor` is the SDK's `pulumi-language-python-exec`; addresses may be empty."""

    def __init__(self, executor: Path, children: Children, *, engine: str, tracing: str = "") -> None:
        self._executor = executor
        self._children = children
        self._engine = engine
        self._tracing = tracing

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        threading.Thread(target=self._children.stop_all, daemon=True).start()
        return empty_pb2.Empty()

    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        python = _interpreter(request.info, context)
        return language_pb2.AboutResponse(executable=str(python.executable), version=python.version())

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        site = _interpreter(request.info, context).site_packages()
        found = packages.dependencies(site, transitive=request.transitiveDependencies)
        rows = [language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        return language_pb2.GetProgramDependenciesResponse(dependencies=rows)

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        site = _interpreter(request.info, context).site_packages()
        rows = [
            plugin_pb2.PackageDependency(name=p.name, kind="resource", version=p.version, server=p.server)
            for p in packages.plugins(site)
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=rows)

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        try:
            python = _find(request.info)
            argv = program.command(python, self._executor, request, engine=self._engine, tracing=self._tracing)
            process = self._start(context, argv, environment=program.environment(python, request, os.environ))
        except (HostError, OSError) as error:
            return self._refuse(str(error))
        code = process.wait()
        self._children.finished(process)
        if code == program.MESSAGE_SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=_ending(code))

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        python = _interpreter(request.info, context)
        folder = request.info.program_directory
        if request.kind == "analyzer":
            words = ["-m", "pulumi.policy", *request.args, folder]
        else:
            words = [folder, *request.args]
        given = dict(entry.split("=", 1) for entry in request.env) or dict(os.environ)
        process = self._start(
            context,
            [str(python.executable), "-u", *words],
            environment=python.environment(given),
            directory=folder if request.kind == "analyzer" else request.pwd,
            output=subprocess.PIPE,
        )
        yield from _stream(process)
        code = process.wait()
        self._children.finished(process)
        yield language_pb2.RunPluginResponse(exitcode=code)

    def _start(self, context: grpc.ServicerContext, argv: list[str], **settings: Any) -> subprocess.Popen[bytes]:
        process = self._children.start(argv, **settings)
        if not context.add_callback(lambda: self._children.stop(process)):
            self._children.stop(process)  # the call had ended before the process began
        return process

    def _refuse(self, message: str) -> language_pb2.RunResponse:
        """Report through the engine's own log, which shows it without 'an unhandled error occurred'."""
        if not self._engine:
            return language_pb2.RunResponse(error=message)
        with grpc.insecure_channel(self._engine) as channel:
            entry = engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=message)
            engine_pb2_grpc.EngineStub(channel).Log(entry)
        return language_pb2.RunResponse(bail=True)


def _find(info: language_pb2.ProgramInfo) -> Interpreter:
    return interpreter.find(Path(info.root_directory), json_format.MessageToDict(info.options), os.environ)


def _interpreter(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> Interpreter:
    try:
        return _find(info)
    except HostError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        raise


def _ending(code: int) -> str:
    if code == 0:
        return ""
    return f"the program was ended by signal {-code}" if code < 0 else f"the program exited with code {code}"


def _stream(process: subprocess.Popen[bytes]) -> Iterator[language_pb2.RunPluginResponse]:
    """Yield what the process writes, as it writes it, until both of its streams are closed."""
    arrived: queue.Queue[language_pb2.RunPluginResponse | None] = queue.Queue()

    def pump(stream: IO[bytes], wrap: Callable[[bytes], language_pb2.RunPluginResponse]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            arrived.put(wrap(chunk))
        arrived.put(None)

    assert process.stdout is not None
    assert process.stderr is not None
    streams: list[tuple[IO[bytes], Callable[[bytes], language_pb2.RunPluginResponse]]] = [
        (process.stdout, lambda chunk: language_pb2.RunPluginResponse(stdout=chunk)),
        (process.stderr, lambda chunk: language_pb2.RunPluginResponse(stderr=chunk)),
    ]
    for stream, wrap in streams:
        threading.Thread(target=pump, args=(stream, wrap), daemon=True).start()
    open_streams = len(streams)
    while open_streams:
        message = arrived.get()
        if message is None:
            open_streams -= 1
        else:
            yield message
