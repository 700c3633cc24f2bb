"""Flow log files into records: bytes in, Arrow batches out. Nothing here knows Spark."""
