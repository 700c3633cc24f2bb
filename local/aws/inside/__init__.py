"""Additions that run in MiniStack's process: features of AWS that MiniStack lacks."""
