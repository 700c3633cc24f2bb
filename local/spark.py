"""The Spark session under the name that README's examples import it by."""

from local.laptop.spark import session

__all__ = ["session"]
