"""The embedded stage: both clouds on this machine, put together as a customer has them before the first deploy.

`composed` starts them, `customer` is what is there before, `cdk` the real command line on them, `sql` Spark SQL over
the workspace's tables, `by_hand` what a person needs to try everything. ``python -m local.stage`` is `__main__`,
in a `folder` of its own.

Example:
    >>> from local.stage.composed import embedded
    >>> with embedded(Path("stage")) as stage:                              # doctest: +SKIP
    ...     stage.deploy()
    ...     with delivering(stage.aws, seed=1), stage.sql() as sql:
    ...         sql.rows("SELECT count(*) AS records FROM flow_logs")
    ...     stage.destroy()
"""
