"""What people write, read into checked values: job files, queue files and what goes on top of them."""
