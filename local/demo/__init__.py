"""The demo, ``python -m local.demo``: deploy into local clouds, deliver traffic, check for losses, write a report."""
