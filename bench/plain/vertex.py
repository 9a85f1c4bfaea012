"""What somebody would write instead of `dispatch submit`: become the zone's agent, create the job with the SDK."""

import json
import os
import sys
from pathlib import Path

import google.auth
from google.auth import impersonated_credentials
from google.auth.transport.requests import Request
from google.cloud import aiplatform
from google.oauth2.credentials import Credentials

(body,), name, zone = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], json.loads(sys.argv[3])
spec, agent, local = body["jobSpec"], zone["identities"]["agent"], os.environ["DISPATCH_GCP_ENDPOINT"]
scopes = ["https://www.googleapis.com/auth/cloud-platform"]
become = f"{local}/iamcredentials/v1/projects/-/serviceAccounts/{agent}:generateAccessToken"
source, _ = google.auth.default(scopes=scopes)
acting = impersonated_credentials.Credentials(source, agent, scopes, iam_endpoint_override=become)
acting.refresh(Request())
aiplatform.init(
    project=zone["project"],
    location=zone["region"],
    credentials=Credentials(acting.token),
    api_endpoint=f"{local}/aiplatform",
    api_transport="rest",
)
(pool,) = spec["workerPoolSpecs"]
container = pool["containerSpec"]
job = aiplatform.CustomJob(
    display_name=name,
    worker_pool_specs=[
        {
            "machine_spec": {"machine_type": pool["machineSpec"]["machineType"]},
            "replica_count": 1,
            "container_spec": {"image_uri": container["imageUri"], "command": container["command"]},
        }
    ],
    staging_bucket=zone["buckets"]["staging"]["uri"],
    base_output_dir=spec["baseOutputDirectory"]["outputUriPrefix"],
    encryption_spec_key_name=body["encryptionSpec"]["kmsKeyName"],
)
job.submit(service_account=spec["serviceAccount"], timeout=3600)
print(job.resource_name)
