"""A stand-in for Databricks Auto Loader: streams the files of a local folder as ``format("cloudFiles")``.

`source` is what Spark sees, `options` what it may be asked for, `pattern` which files a load path means, `discovery`
how new ones are found, `log` which were found, `intake` what is to be read next, `partitions` and `content` the
reading.
"""

from local.cloud_files.error import CloudFilesError
from local.cloud_files.source import register

__all__ = ["CloudFilesError", "register"]
