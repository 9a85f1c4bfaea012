"""A policy pack that speaks the analyzer protocol itself: components must not be called `forbidden`."""

import sys
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

RULE = {"policyName": "no-forbidden", "policyPackName": "tiny-pack", "policyPackVersion": "0.0.1"}


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    def Handshake(self, request, context):
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="0.0.1")

    def GetAnalyzerInfo(self, request, context):
        rule = analyzer_pb2.PolicyInfo(name="no-forbidden", enforcementLevel=analyzer_pb2.MANDATORY)
        return analyzer_pb2.AnalyzerInfo(name="tiny-pack", version="0.0.1", policies=[rule])

    def Configure(self, request, context):
        return empty_pb2.Empty()

    def ConfigureStack(self, request, context):
        Path("policy-stack").write_text(f"{request.stack} {'pulumi.policy' in sys.modules}")
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Remediate(self, request, context):
        return analyzer_pb2.RemediateResponse()

    def Analyze(self, request, context):
        found = []
        if request.name == "forbidden":
            message = "forbidden is not a name"
            level = analyzer_pb2.MANDATORY
            found = [
                analyzer_pb2.AnalyzeDiagnostic(message=message, enforcementLevel=level, urn=request.urn, **RULE)
            ]
        return analyzer_pb2.AnalyzeResponse(diagnostics=found)

    def AnalyzeStack(self, request, context):
        return analyzer_pb2.AnalyzeResponse()

    def Cancel(self, request, context):
        return empty_pb2.Empty()


server = grpc.server(futures.ThreadPoolExecutor(4))
analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
