"""The Spark session, under the name that scripts import."""

from local.laptop.spark import session

__all__ = ["session"]
