"""Recognize and remove the AWS resources that Auto Loader created for the log bucket."""
