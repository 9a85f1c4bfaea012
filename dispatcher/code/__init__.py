"""`code: ./src` of a job: a folder becomes an archive that is called by its content, kept until it is sent."""
