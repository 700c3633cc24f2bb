"""Realistic traffic: a network, its flows, their flow log records and files, and damaged files."""
