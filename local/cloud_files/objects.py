"""Read an object in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from local.cloud_files import aws
from local.cloud_files.error import CloudFilesError
from local.cloud_files.opened import Opened, file_gone


@contextmanager
def opened(path: str, *, region: str | None) -> Iterator[Opened]:
    """Open an object; ``read`` of the result returns its bytes.

    Args:
        path: ``s3://bucket/key``, as returned by discovery.
        region: the bucket's region; None for the region of the environment.

    Raises:
        CloudFilesError: the object no longer exists, or reading it is denied.
    """
    bucket, _, key = path.removeprefix("s3://").partition("/")
    client = aws.client("s3", region)
    resource = f"arn:{client.meta.partition}:s3:::{bucket}/{key}"
    with aws.calling("s3:GetObject", resource):
        try:
            answer = client.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if aws.code(error) in ("NoSuchKey", "404"):
                raise file_gone(path) from None
            raise
        length = int(answer["ContentLength"])
        with answer["Body"] as body:

            def read() -> bytearray:
                content = bytearray(length)
                view, filled = memoryview(content), 0
                while filled < length and (count := body.readinto(view[filled:])):
                    filled += count
                if filled < length:
                    raise CloudFilesError(f"{path}: received only {filled} of {length} bytes; run the job again")
                return content

            yield Opened(length, int(answer["LastModified"].timestamp()) * 1_000_000, read)
