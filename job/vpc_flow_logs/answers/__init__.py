"""Answers to questions about the records: one SQL file per answer, and the views that they read.

`catalog` reads the files, `views` defines the views, and `create` puts both next to the table. None of the other
modules needs Spark.
"""
