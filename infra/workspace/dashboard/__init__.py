"""The AI/BI dashboard in the workspace: create, update, publish and remove it."""
