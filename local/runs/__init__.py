"""Emulate the workspace's clusters: run a task's wheel on local Spark, with its instance profile's credentials.

The workspace calls `runner`. `instance` has EC2's responses, `process` controls a task's process, and `driver` runs in
it. `session` starts Spark as on a cluster, with `storage`, `metastore` and `s3`.

Example:
    >>> with running(Path("stage/aws")) as aws:                             # doctest: +SKIP
    ...     runner = ClusterRunner(aws, launcher=role_arn, folder=Path("stage/workspace"))
    ...     with WorkspaceServer(runner=runner) as workspace: ...
"""
