"""One AWS plugin process, spoken to over Pulumi's provider protocol, as the engine does during a preview.

Hundreds of questions a second instead of one preview each, and the answer names the property that was refused.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from tests.real.plugin import NAME, version


@dataclass(frozen=True)
class Plugin:
    """A configured plugin."""

    stub: Any

    def refuses(self, kind: str, name: str, properties: Mapping[str, Any]) -> str:
        """Why a preview of this new resource fails, or "" when it does not."""
        urn = f"urn:pulumi:lane::launchway::{kind}::{name}"
        try:
            request = provider_pb2.CheckRequest(urn=urn, news=_struct(properties), randomSeed=b"0" * 32)
            checked = self.stub.Check(request)
            if checked.failures:
                return "; ".join(f"{failure.property}: {failure.reason}" for failure in checked.failures)
            self.stub.Create(provider_pb2.CreateRequest(urn=urn, properties=checked.inputs, preview=True))
        except grpc.RpcError as error:
            return str(error.details())
        return ""


class _Engine(engine_pb2_grpc.EngineServicer):
    """What a plugin calls back: it only wants to log."""

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()


@contextlib.contextmanager
def plugin(home: Path, environment: Mapping[str, str], region: str = "eu-central-1") -> Iterator[Plugin]:
    """Start the AWS plugin that is installed in a Pulumi home, aimed at AWS_ENDPOINT_URL of `environment`."""
    engine = grpc.server(futures.ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), engine)
    address = f"127.0.0.1:{engine.add_insecure_port('127.0.0.1:0')}"
    engine.start()
    program = home / "plugins" / f"resource-aws-v{version()}" / NAME
    process = subprocess.Popen([program, address], env=dict(environment), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        port = process.stdout.readline().strip()
        limits = [("grpc.max_receive_message_length", 400 << 20)]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=limits) as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            configuration = _configuration(environment["AWS_ENDPOINT_URL"], region)
            checked = stub.CheckConfig(
                provider_pb2.CheckRequest(
                    urn="urn:pulumi:lane::launchway::pulumi:providers:aws::lane", news=_struct(configuration)
                )
            )
            assert not checked.failures, checked.failures
            stub.Configure(
                provider_pb2.ConfigureRequest(args=checked.inputs, acceptSecrets=True, acceptResources=True)
            )
            yield Plugin(stub)
    finally:
        process.kill()
        process.wait()
        engine.stop(None)


def _configuration(url: str, region: str) -> dict[str, str]:
    """Provider configuration as the engine sends it: everything that is not text is JSON in a string."""
    services = ("budgets", "cloudtrail", "ec2", "ecr", "iam", "kms", "logs", "s3", "s3control", "sts")
    return {
        "region": region,
        "accessKey": "testing",
        "secretKey": "testing",
        "skipCredentialsValidation": "true",
        "skipMetadataApiCheck": "true",
        "s3UsePathStyle": "true",
        "httpProxy": url,
        "noProxy": "127.0.0.1,localhost",
        "maxRetries": "2",
        "endpoints": json.dumps([dict.fromkeys(services, url)]),
    }


def _struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())
