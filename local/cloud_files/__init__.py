"""A stand-in for Databricks Auto Loader: streams the files of a folder or a bucket as ``format("cloudFiles")``.

`source` is the Spark side, `options` and `values` check what it is asked for, `ways` has the choices where no
document says what Auto Loader does. `pattern` and `selection` decide which files a load path means, `log` keeps those
that were found, `intake` decides what to read next, `partitions`, `content` and `objects` read. `discovery` is what
all ways of finding new files share: `folder` and `bucket` list, `notified` takes the messages of a `queue`, whose
`events` are those of S3. `resources` creates what leads from bucket to queue (S3's rule on `overlaps` holds),
`stream` puts together what a stream over a bucket needs, `stream_state` is what it remembers, `aws` has its clients
and refusals.
"""

from local.cloud_files.error import CloudFilesError
from local.cloud_files.source import register, register_for

__all__ = ["CloudFilesError", "register", "register_for"]
