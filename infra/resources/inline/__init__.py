"""Lambda code that a template contains as text. It may import boto3, but no module of this repository.

Synthesis reads these files and does not import them.
"""
