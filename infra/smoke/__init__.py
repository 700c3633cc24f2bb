"""Check a deployed environment: job, runs, quarantine, queue, and bucket policy. Changes nothing.

:mod:`job`, :mod:`queue` and :mod:`bucket_policy` collect the data, :mod:`judgement` turns it into findings, :mod:`page`
formats them. ``.venv/bin/python -m infra.smoke`` runs all of it.
"""
