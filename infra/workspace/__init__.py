"""The Databricks half of a deployment: create, update and remove instance profile, grants, wheel, schema and job.

The zip of the function that CloudFormation calls contains only this package. `.venv/bin/python -m infra.workspace`
runs the same code by hand.
"""
