"""The clouds on a laptop: real wire protocols on one loopback port, and training jobs that really run."""

from localcloud.cloud import Cloud, running

__all__ = ["Cloud", "running"]
