"""Discovery by listing a bucket."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from local.cloud_files.aws import calling
from local.cloud_files.discovery import FoundFile, Listing, by_time
from local.cloud_files.error import CloudFilesError
from local.cloud_files.selection import Selection


class BucketListing(Listing):
    """Discovery that lists all objects under a prefix each time.

    Args:
        client: a boto3 client for S3.
        bucket: the bucket's name.
        selection: selects the keys; its paths have the form ``/bucket/key``.
    """

    def __init__(self, client: Any, *, bucket: str, selection: Selection) -> None:
        self._client = client
        self._bucket = bucket
        self._selection = selection

    @property
    def prefix(self) -> str:
        """The key prefix before the first wildcard."""
        return self._selection.pattern.prefix[len(self._bucket) + 2 :]

    def reject_empty_prefix(self) -> None:
        """Raise an error if no key begins with the prefix.

        It is not documented whether Auto Loader waits or raises for a stream with a given schema. ``read_files``
        raises this class of error.
        Source: https://docs.databricks.com/aws/en/error-messages/error-classes

        Raises:
            CloudFilesError: ``CF_PATH_DOES_NOT_EXIST_FOR_READ_FILES``, or listing the bucket is denied.
        """
        with calling("s3:ListBucket", f"arn:{self._client.meta.partition}:s3:::{self._bucket}"):
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self.prefix, MaxKeys=1)
        if not page.get("Contents"):
            path = self._selection.pattern.path
            raise CloudFilesError(f"[CF_PATH_DOES_NOT_EXIST_FOR_READ_FILES] Path s3:/{path} does not exist.")

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[FoundFile]:
        """See `Discovery.new_files`.

        Raises:
            CloudFilesError: the bucket does not exist, or listing it is denied.
        """
        return by_time([file for file in self._all() if file.path not in known])

    def _all(self) -> Iterator[FoundFile]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self.prefix)
        with calling("s3:ListBucket", f"arn:{self._client.meta.partition}:s3:::{self._bucket}"):
            for page in pages:
                for entry in page.get("Contents", ()):
                    key = entry["Key"]
                    # The S3 console creates a key that ends with a slash to show an empty folder.
                    if not key.endswith("/") and self._selection.takes(f"/{self._bucket}/{key}"):
                        modified = int(entry["LastModified"].timestamp() * 1000)
                        yield FoundFile(f"s3://{self._bucket}/{key}", modified, entry["Size"])
