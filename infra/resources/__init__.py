"""The CDK constructs, one module per construct."""
