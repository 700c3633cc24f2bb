"""The Spark session, under the name that the README's examples import."""

from local.laptop.spark import session

__all__ = ["session"]
