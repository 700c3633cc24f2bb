"""``python -m local.demo``: a deploy into both clouds of the stage, traffic, a check that nothing is lost, a report."""
