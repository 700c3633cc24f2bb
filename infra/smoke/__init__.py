"""Whether a deployed environment works: the job runs, its queue is drained, the logs can be read. Changes nothing.

:mod:`job` and :mod:`queue` look, :mod:`judgement` decides, :mod:`page` tells; ``python -m infra.smoke`` does all.
"""
