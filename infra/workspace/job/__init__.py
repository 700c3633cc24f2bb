"""The streaming job: settings, owner, permissions and runs, and the verify run."""
