"""The example's training, run as the processes that it is."""
