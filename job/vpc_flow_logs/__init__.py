"""AWS VPC Flow Logs files into Delta tables."""

__version__ = "0.1.0"
