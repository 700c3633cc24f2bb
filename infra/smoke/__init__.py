"""Check a deployed environment: both jobs, runs, quarantine, queue, and bucket policy. Changes nothing.

:mod:`job`, :mod:`queue` and :mod:`bucket_policy` collect the data, :mod:`judgement` and :mod:`maintenance` turn it into
findings, :mod:`page` formats them. ``.venv/bin/python -m infra.smoke`` runs all of it.
"""
