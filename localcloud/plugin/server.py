"""Carries a Provider over the Pulumi provider protocol: a gRPC server on loopback, its port on standard output."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent import futures
from functools import wraps
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, status_pb2
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from localcloud.plugin.diff import Difference
from localcloud.plugin.provider import PartialFailure, Provider, ProviderError, Subject
from localcloud.plugin.schema import Failure
from localcloud.plugin.values import Path, Properties, decode, encode, plain, show

WORKERS = 32  # the engine's default is 16 operations at a time, previews and invokes beside them
PARENT_SECONDS = 2.0  # how often to look whether the engine still lives
FINISH_SECONDS = 60.0  # for calls that run when the end comes
KINDS = {
    ("add", False): wire.PropertyDiff.ADD,
    ("add", True): wire.PropertyDiff.ADD_REPLACE,
    ("delete", False): wire.PropertyDiff.DELETE,
    ("delete", True): wire.PropertyDiff.DELETE_REPLACE,
    ("update", False): wire.PropertyDiff.UPDATE,
    ("update", True): wire.PropertyDiff.UPDATE_REPLACE,
}
ECHOES = {"tags": "tagsAll"}  # outputs that repeat an input under another name, and are as secret as it
INTERNAL = ("__internal", "version", "pluginDownloadURL")  # what the engine adds to a provider's settings

Call = Callable[["Servicer", Any, grpc.ServicerContext], Any]


def answered(call: Call) -> Call:
    """Errors of a call as the engine expects them: a status with a text, never a dead plugin."""

    @wraps(call)
    def safe(self: Servicer, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            if self.cancelled.is_set():
                context.abort(grpc.StatusCode.CANCELLED, "the operation was cancelled")
            return call(self, request, context)
        except PartialFailure as error:
            detail = wire.ErrorResourceInitFailed(
                id=error.id, properties=encode(error.outputs), reasons=[str(error)]
            )
            _abort_with(context, str(error), detail)
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            if context.code() is not None:  # abort() raises to leave the call
                raise
            traceback.print_exc(file=sys.stderr)  # a defect of the stand-in: show where
            context.abort(grpc.StatusCode.INTERNAL, f"stand-in plugin: {type(error).__name__}: {error}")

    return safe


def _abort_with(context: grpc.ServicerContext, message: str, detail: Any) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, message)


class Servicer(ResourceProviderServicer):
    """One provider process serves one configured provider, many calls at a time."""

    def __init__(self, provider: Provider, version: str) -> None:
        self.provider, self.version = provider, version
        self.cancelled = threading.Event()

    def Handshake(self, request: Any, context: Any) -> Any:
        return wire.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)

    def Cancel(self, request: Any, context: Any) -> Any:
        self.cancelled.set()  # what runs is finished, so that its state is known; nothing new begins
        return empty_pb2.Empty()

    @answered
    def CheckConfig(self, request: Any, context: Any) -> Any:
        failures = self.provider.check_config(_settings(request.news))
        return wire.CheckResponse(inputs=request.news, failures=[_failure(one) for one in failures])

    @answered
    def DiffConfig(self, request: Any, context: Any) -> Any:
        old, new = _settings(request.old_inputs), _settings(request.news)
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        # Another account, or region, is another place: the real provider replaces nothing for either.
        kind = wire.DiffResponse.DIFF_SOME if changed else wire.DiffResponse.DIFF_NONE
        return wire.DiffResponse(changes=kind, diffs=changed)

    @answered
    def Configure(self, request: Any, context: Any) -> Any:
        self.provider.configure(_settings(request.args))
        return wire.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, supports_autonaming_configuration=True
        )

    @answered
    def Check(self, request: Any, context: Any) -> Any:
        subject = _subject(request)
        news, secrets = decode(request.news)
        checked = self.provider.check(subject, plain(request.olds), news, request.randomSeed, _proposal(request))
        failures = [_failure(one, subject.name) for one in checked.failures]
        return wire.CheckResponse(inputs=encode(checked.inputs, secrets), failures=failures)

    @answered
    def Diff(self, request: Any, context: Any) -> Any:
        found = self.provider.diff(
            _subject(request), plain(request.olds), plain(request.news), list(request.ignoreChanges)
        )
        return _difference(found)

    @answered
    def Create(self, request: Any, context: Any) -> Any:
        subject = _subject(request)
        news, secrets = decode(request.properties)
        if request.preview:
            return wire.CreateResponse(properties=_outputs(self.provider.preview(subject, news, {}), secrets))
        made, outputs = self.provider.create(subject, news)
        return wire.CreateResponse(id=made, properties=_outputs(outputs, secrets))

    @answered
    def Read(self, request: Any, context: Any) -> Any:
        inputs, secrets = decode(request.inputs)
        found = self.provider.read(_subject(request), inputs, plain(request.properties))
        if found is None:
            return wire.ReadResponse()
        return wire.ReadResponse(
            id=found.id, properties=_outputs(found.outputs, secrets), inputs=encode(found.inputs, secrets)
        )

    @answered
    def Update(self, request: Any, context: Any) -> Any:
        subject, state = _subject(request), plain(request.olds)
        news, secrets = decode(request.news)
        act = (
            self.provider.preview(subject, news, state)
            if request.preview
            else self.provider.update(subject, state, news)
        )
        return wire.UpdateResponse(properties=_outputs(act, secrets))

    @answered
    def Delete(self, request: Any, context: Any) -> Any:
        self.provider.delete(_subject(request), plain(request.old_inputs), plain(request.properties))
        return empty_pb2.Empty()

    @answered
    def Invoke(self, request: Any, context: Any) -> Any:
        result, failures = self.provider.invoke(request.tok, plain(request.args))
        answer = wire.InvokeResponse(failures=[_failure(one) for one in failures])
        getattr(answer, "return").CopyFrom(encode(result))
        return answer


def _subject(request: Any) -> Subject:
    parts = request.urn.split("::")
    before = next((name for name in ("old_inputs", "inputs") if hasattr(request, name)), None)
    return Subject(
        parts[2].split("$")[-1],
        "::".join(parts[3:]),
        getattr(request, "id", ""),
        plain(getattr(request, before)) if before else {},
        getattr(request, "timeout", 0.0),
    )


def _settings(struct: struct_pb2.Struct) -> Properties:
    return {name: value for name, value in plain(struct).items() if name not in INTERNAL}


def _proposal(request: Any) -> str | None:
    """The name that `pulumi:autonaming` asks for, if any."""
    if not request.HasField("autonaming"):
        return None
    return str(request.autonaming.proposed_name) or None


def _failure(failure: Failure, name: str = "") -> Any:
    """The bridge names the place inside the reason, as `name.property`; so do we."""
    if not name:
        return wire.CheckFailure(property=failure.property, reason=failure.reason)
    return wire.CheckFailure(reason=f"{failure.reason}. Examine values at '{name}.{failure.property}'.")


def _difference(found: Difference) -> Any:
    response = wire.DiffResponse(
        hasDetailedDiff=True, deleteBeforeReplace=found.delete_first, diffs=sorted(found.names)
    )
    response.changes = wire.DiffResponse.DIFF_SOME if found.changes else wire.DiffResponse.DIFF_NONE
    for change in found.changes:
        response.detailedDiff[show(change.path)].kind = KINDS[change.kind, change.replace]
    response.replaces.extend(sorted({str(change.path[0]) for change in found.changes if change.replace}))
    return response


def _outputs(outputs: Properties, secrets: frozenset[Path]) -> struct_pb2.Struct:
    echoes = {(ECHOES[str(path[0])], *path[1:]) for path in secrets if path[0] in ECHOES}
    return encode(outputs, secrets | echoes)


def serve(provider: Provider, version: str) -> None:
    """Serves until the engine interrupts it (its way to close a plugin) or is gone; what runs is finished."""
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(WORKERS), options=unlimited)
    add_ResourceProviderServicer_to_server(Servicer(provider, version), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    parent = os.getppid()
    while not ended.wait(PARENT_SECONDS) and os.getppid() == parent:
        pass
    server.stop(grace=FINISH_SECONDS).wait()
