"""The embedded stage: both clouds on this machine, for the demo, the tests and the curious. Never shipped."""
