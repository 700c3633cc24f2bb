"""Emulate AWS's log delivery: put traffic for each flow log of the stage into its bucket, if policies allow it.

>>> with running(Path("stage")) as aws:                                     # doctest: +SKIP
...     delivered = deliver(aws, seed=1, intervals=12, records=1000)
...     totals(delivered)
"""

from local.delivery.continuous import Continuous, delivering
from local.delivery.files import Delivered, deliver
from local.delivery.sources import flow_logs
from local.delivery.totals import Totals, totals

__all__ = ["Continuous", "Delivered", "Totals", "deliver", "delivering", "flow_logs", "totals"]
