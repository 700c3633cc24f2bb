"""The IAM of an environment as files that a reviewer reads without an account."""
