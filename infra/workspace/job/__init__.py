"""The streaming job and the maintenance job: settings, owner, permissions and runs, and the verify run."""
