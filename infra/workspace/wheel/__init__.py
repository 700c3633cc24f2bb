"""The job's wheel: read from a file, and uploaded to the workspace."""
