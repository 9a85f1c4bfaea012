"""What somebody would write instead of `dispatch submit`: submit the job with azure-ai-ml, Microsoft's SDK."""

import json
import os
import sys
from pathlib import Path

# Both are for a local cloud only: where it is, and that it may be shown a token without https.
os.environ["AZUREML_DEV_URL_MFE"] = f"{os.environ['DISPATCH_AZURE_ENDPOINT']}/arm"

from azure.ai.ml import MLClient, Output, command
from azure.ai.ml.entities import Environment, ManagedIdentityConfiguration
from azure.core.pipeline.policies import _authentication
from azure.identity import DefaultAzureCredential

_authentication._enforce_https = lambda request: request.context.options.pop("enforce_https", None)

(image, body), name, zone = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], json.loads(sys.argv[3])
spec = body["properties"]
client = MLClient(
    DefaultAzureCredential(managed_identity_client_id=zone["identities"]["agent_client_id"]),
    zone["subscription"],
    zone["resource_group"],
    zone["workspace"],
)
job = command(
    name=name,
    experiment_name=spec["experimentName"],
    command=spec["command"],
    environment=Environment(image=image["properties"]["image"]),
    environment_variables=spec["environmentVariables"],
    compute=spec["computeId"].rpartition("/")[2] if "computeId" in spec else None,
    instance_type=spec["resources"].get("instanceType"),
    instance_count=spec["resources"].get("instanceCount", 1),
    identity=ManagedIdentityConfiguration(client_id=spec["identity"]["clientId"]),
    timeout=3600,
    outputs={
        key: Output(type="uri_folder", mode="rw_mount", path=one["uri"]) for key, one in spec["outputs"].items()
    },
    tags=spec["tags"],
)
print(client.jobs.create_or_update(job).id)
