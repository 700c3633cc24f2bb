"""Who may use the instance profile: its registration, and the grants to principals of the workspace."""
