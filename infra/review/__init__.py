"""The IAM of an environment as files that a reviewer can read without access to an account."""
