"""The parser of flow log files: bytes in, Arrow batches out. It does not use Spark."""
