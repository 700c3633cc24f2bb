"""The streaming job: its settings, owner and permissions, its runs, and the run that verifies it."""
