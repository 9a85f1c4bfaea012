"""The local AWS: moto, with SageMaker training jobs in front of it."""
