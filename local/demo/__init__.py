"""``python -m local.demo``: an hour of flow log files, the job that loads them, and a check that nothing is lost."""
