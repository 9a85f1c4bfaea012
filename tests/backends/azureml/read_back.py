"""Run by the Python that has azure-ai-ml: read jobs back with Microsoft's own client, and print them as JSON.

usage: python read_back.py SUBSCRIPTION GROUP WORKSPACE JOB... The environment leads to a local cloud.
"""

import json
import os
import sys

# Where azure-ai-ml looks for the jobs API (its DEVELOPER_URL_MFE_ENV_VAR); it has no other switch.
os.environ["AZUREML_DEV_URL_MFE"] = f"{os.environ['DISPATCH_AZURE_ENDPOINT']}/arm"

from azure.ai.ml import MLClient
from azure.ai.ml._utils.utils import download_text_from_url
from azure.ai.ml.operations._job_ops_helper import _get_sorted_filtered_logs
from azure.core.pipeline.policies import _authentication
from azure.identity import ManagedIdentityCredential

# A loopback address is not https, and only calls to the jobs API can be told so.
_authentication._enforce_https = lambda request: request.context.options.pop("enforce_https", None)


def read(client: MLClient, name: str) -> dict[str, object]:
    job = client.jobs.get(name)
    environment = client.environments.get(*job.environment.removeprefix("azureml:").split(":"))
    run = client.jobs._runs_operations.get_run_details(name)
    pipeline = client.jobs._requests_pipeline
    files = _get_sorted_filtered_logs(run.log_files, job.type, only_streamable=False)
    return {
        "type": job.type,
        "name": job.name,
        "display_name": job.display_name,
        "experiment_name": job.experiment_name,
        "status": job.status,
        "command": job.command,
        "environment": job.environment,
        "image": environment.image,
        "compute": job.compute,
        "instance_type": job.resources.instance_type,
        "instance_count": job.resources.instance_count,
        "job_tier": job.queue_settings and job.queue_settings.job_tier,
        "distribution": job.distribution and job.distribution.type,
        "timeout": job.limits.timeout,
        "identity": job.identity.type,
        "environment_variables": job.environment_variables,
        "inputs": {key: one.path for key, one in job.inputs.items()},
        "outputs": {key: [one.type, one.mode, one.path] for key, one in job.outputs.items()},
        "tags": job.tags,
        "studio": job.studio_url,
        "times": [run.start_time_utc.isoformat(), run.end_time_utc.isoformat()],
        "error": run.error and run.error.error.message,
        "logs": {file: download_text_from_url(run.log_files[file], pipeline) for file in files},
    }


subscription, group, workspace, *names = sys.argv[1:]
found = MLClient(ManagedIdentityCredential(), subscription, group, workspace, show_progress=False)
print(json.dumps([read(found, name) for name in names]))
