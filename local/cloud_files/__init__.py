"""A stand-in for Databricks Auto Loader: streams the files of a folder or a bucket as ``format("cloudFiles")``.

`source` is what Spark sees, `options` and `values` what it may be asked for, `pattern` and `selection` which files a
load path means, `log` which were found, `intake` what is to be read next, `partitions`, `content` and `objects` the
reading. `discovery` is what all ways of finding new files have in common: `folder` and `bucket` list, `notified` is
told by the messages of a `queue`, whose `events` are S3's. `resources` makes the way from bucket to queue (S3's rule on
`overlaps` holds), `stream` puts together what a stream over a bucket needs, `stream_state` is what it remembers, `aws`
its clients and refusals.
"""

from local.cloud_files.error import CloudFilesError
from local.cloud_files.source import register, register_for

__all__ = ["CloudFilesError", "register", "register_for"]
