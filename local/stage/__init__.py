"""The embedded stage: both clouds on this machine, in the state that a customer has before the first deploy.

`composed` starts them, `customer` creates a customer's prerequisites, `cdk` runs the real command line on them, `sql`
runs Spark SQL over the workspace's tables, `by_hand` prepares manual trials, and `folder` guards the stage's folder.
``python -m local.stage`` runs `__main__`.

Example:
    >>> from local.stage.composed import embedded
    >>> with embedded(Path("stage")) as stage:                              # doctest: +SKIP
    ...     stage.deploy()
    ...     with delivering(stage.aws, seed=1), stage.sql() as sql:
    ...         sql.rows("SELECT count(*) AS records FROM flow_logs")
    ...     stage.destroy()
"""
