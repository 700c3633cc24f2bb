"""Recognize and remove what Auto Loader created in AWS for the log bucket."""
