"""The workspace's clusters, played: a task's wheel on local Spark, with the credentials of its instance profile.

`runner` is what the workspace calls, `instance` what EC2 says to it, `process` a task from outside and `driver` from
inside; `session` is Spark as a cluster has it, with its `storage`, its `metastore` and `s3`.

Example:
    >>> with running(Path("stage/aws")) as aws:                             # doctest: +SKIP
    ...     runner = ClusterRunner(aws, launcher=role_arn, folder=Path("stage/workspace"))
    ...     with WorkspaceServer(runner=runner) as workspace: ...
"""
