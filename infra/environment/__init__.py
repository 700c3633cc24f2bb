"""The environment file: its keys and types, what they must be together, and the names that follow from them. Pure."""
