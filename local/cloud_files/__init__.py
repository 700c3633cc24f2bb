"""A stand-in for Databricks Auto Loader: streams the files of a folder or a bucket as ``format("cloudFiles")``.

- `source` is the Spark side; `options` and `values` check the options; `behavior` has the settings for behavior that is
  not documented.
- `pattern` and `selection` decide which files a load path selects.
- `log` records the discovered files; `intake` decides what to read next; `partitions`, `content`, `opened` and
  `objects` read it.
- `discovery` is the interface for finding new files: `folder` and `bucket` list, `notified` reads the S3 `events` in
  the messages of a `queue`.
- `resources` creates the path from bucket to queue, under S3's rule on `overlaps`; `stream` assembles the discovery of
  a stream over a bucket; `stream_state` stores its state; `aws` has its clients and error messages.
"""

from local.cloud_files.error import CloudFilesError
from local.cloud_files.source import register, register_for

__all__ = ["CloudFilesError", "register", "register_for"]
