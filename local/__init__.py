"""The embedded stage: both clouds on this machine, for the demo, the tests and manual trials. Never shipped."""
