"""Cloud Storage: buckets and objects behind the JSON API, objects as files that jobs see under /gcs."""
