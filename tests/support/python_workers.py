"""The process that Spark forks its Python workers from. It imports the modules of the workers once, for all of them.

Spark runs it in place of ``pyspark.daemon``, if ``spark.python.daemon.module`` names it.
"""

from importlib import import_module

from pyspark.daemon import manager

if __name__ == "__main__":
    for name in ("pandas", "pyarrow.parquet", "pyspark.worker", "local.cloud_files", "vpc_flow_logs.tasks"):
        import_module(name)
    manager()
