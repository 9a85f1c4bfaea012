"""Training jobs that really run: processes in the layout of a SageMaker container."""
