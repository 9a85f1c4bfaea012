"""Vertex AI's JobService: custom jobs that really run."""
