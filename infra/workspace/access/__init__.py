"""Register the instance profile and grant its use to principals of the workspace."""
