"""What Auto Loader created in AWS for the log bucket, recognized and removed."""
