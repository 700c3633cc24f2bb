"""Believable traffic: a network, its flows, the records and files that flow logs make of them, and damage."""
