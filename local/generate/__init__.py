"""`python -m local.generate`: a folder of flow log files."""
