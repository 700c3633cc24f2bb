"""The AI/BI dashboard: its datasets come from the catalog of answers, its pages from `pages`.

`document` composes the file. `checker` knows the rules that break a dashboard. None of the modules needs Spark, CDK or
a cloud SDK.
"""
