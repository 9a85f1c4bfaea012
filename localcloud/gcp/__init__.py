"""Google Cloud on this machine: the REST APIs that its own clients call, under one prefix of the server's port."""
