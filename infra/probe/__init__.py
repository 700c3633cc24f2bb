"""Record undocumented behavior of a real workspace and account in a report that identifies no one.

`run` starts a one-time run on a cluster like the job's. `deployed` reads what the workspace returns without a cluster.
`read_back` compares the job's settings as sent and as returned. `masking` removes names, and `report` formats the
report. ``.venv/bin/python -m infra.probe`` runs all of it.
"""
