"""The job's wheel: read it from a file and upload it to the workspace."""
