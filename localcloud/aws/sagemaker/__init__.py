"""Training jobs as the SageMaker API describes them: checked, kept, listed; localcloud.jobs runs them."""
