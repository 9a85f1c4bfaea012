"""What somebody would write instead of `dispatch submit`: become the zone's agent, create the job with boto3."""

import json
import sys
from pathlib import Path

import boto3

(body,), name, zone = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], json.loads(sys.argv[3])
agent = zone["identities"]["agent"]
who = boto3.client("sts").assume_role(RoleArn=agent, RoleSessionName="plain")["Credentials"]
session = boto3.Session(who["AccessKeyId"], who["SecretAccessKey"], who["SessionToken"])
print(session.client("sagemaker").create_training_job(**{**body, "TrainingJobName": name})["TrainingJobArn"])
