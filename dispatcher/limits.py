"""What every cloud accepts: the strictest limit of the three, enforced once and before any network.

Each number is the smallest of the vendors' own (SageMaker CreateTrainingJob model, botocore 1.44.5; Vertex AI
CustomJob protos, google-cloud-aiplatform 2.7.0; Azure ML job types 2025-12-01), so that a job accepted for one
queue is accepted for all. What only one cloud limits is checked by its own backend.
"""

from __future__ import annotations

NAME_MAX = 63
"""Characters of a job's name on the cloud (SageMaker TrainingJobName)."""

NAME_PATTERN = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""What a name may look like: lower case (Vertex labels), no underscore (SageMaker)."""

SLUG_MAX = 40
"""Characters of the readable part of a name; the rest is kept for `-<id>-<attempt>`."""

ENV_KEY_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
ENV_KEY_MAX = 512
"""SageMaker TrainingEnvironmentKey."""

ENV_VALUE_MAX = 512
"""SageMaker TrainingEnvironmentValue."""

ENV_MAX = 100
"""Variables of one container, the dispatcher's own included (SageMaker, Vertex)."""

ARGUMENTS_MAX = 100
"""Elements of `command` (SageMaker ContainerEntrypoint)."""

ARGUMENT_MAX = 256
"""Characters of one element of `command`, without a newline (SageMaker, pattern `.*`)."""

IMAGE_MAX = 255
"""Characters of an image reference (SageMaker TrainingImage)."""

INPUTS_MAX = 20
"""Input channels (SageMaker InputDataConfig)."""

INPUT_NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
"""SageMaker ChannelName, narrowed to what also makes an environment name (`DISPATCH_INPUT_<NAME>`)."""

URI_MAX = 1024
"""Characters of a data location (SageMaker S3Uri)."""

LABELS_MAX = 32
"""Labels of a user; the tags of the landing zone come on top (SageMaker takes 50, Vertex 64)."""

LABEL_KEY_PATTERN = r"[a-z][a-z0-9_-]{0,62}"
LABEL_VALUE_PATTERN = r"[a-z0-9_-]{0,63}"
"""Vertex labels."""

NODES_MAX = 100
"""Nodes of one job (Azure ML, MPI runs); a zone's own limit is lower."""

RUNTIME_MAX = 28 * 86_400
"""Seconds a job may run (SageMaker MaxRuntimeInSeconds); a zone's own limit is lower."""

WAIT_MAX = 30 * 86_400
"""Seconds a spot job may wait and run, together (SageMaker developer guide: 28 days of run, 30 in all)."""

INTERRUPTIONS_MAX = 100
"""How often a job may lose its machines and go on: no vendor's limit, only more than anybody means."""

RETRIES_MAX = 30
"""Further attempts after failed ones: no vendor's limit, only as many as SageMaker would make by itself."""

PREEMPTIONS_MAX = 1_000
"""How often a job may give way to more urgent ones: no vendor's limit, only more than anybody means."""

AGEING_MIN = 60
"""Seconds of waiting that make a job more urgent: with less, priorities would mean nothing."""
