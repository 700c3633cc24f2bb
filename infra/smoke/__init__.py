"""Check a deployed environment: job, runs, quarantine, queue, and the bucket's policy. Changes nothing.

:mod:`job`, :mod:`queue` and :mod:`bucket_policy` look, :mod:`judgement` decides, :mod:`page` prints; ``.venv/bin/python
-m infra.smoke`` does all of it.
"""
