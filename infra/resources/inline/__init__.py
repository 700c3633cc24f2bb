"""Code of functions that stands in a template as text: it may use boto3 and nothing of this repository.

Nothing here is imported by synthesis, which reads the files.
"""
