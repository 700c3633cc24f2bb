"""The Databricks half of a deployment: instance profile, grants, wheel, schema, job; and all of it taken back.

Zipped alone into the function that CloudFormation calls, and used by hand: `python -m infra.workspace`.
"""
