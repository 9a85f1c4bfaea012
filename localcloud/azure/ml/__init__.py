"""Azure ML: workspaces with what is in them, and command jobs that really run."""
