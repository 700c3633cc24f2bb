"""Lambda code that a template contains as text. It may import boto3, and nothing of this repository.

Synthesis reads these files and does not import them.
"""
