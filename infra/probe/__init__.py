"""Ask a real workspace and account what their vendors do not document, and write it down without names.

`run` is the one-time run on the job's cluster, `deployed` what the workspace tells without one, `read_back` the job as
it was sent and as it is read, `masking` what takes names out, `report` the page, ``python -m infra.probe`` all of it.
"""
