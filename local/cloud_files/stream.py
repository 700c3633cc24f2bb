"""Assemble the discovery for a stream over a bucket from its options."""

from __future__ import annotations

from pathlib import Path

from botocore.exceptions import ClientError

from local.cloud_files import aws, resources
from local.cloud_files.behavior import Behavior
from local.cloud_files.bucket import BucketListing
from local.cloud_files.discovery import Discovery
from local.cloud_files.error import CloudFilesError
from local.cloud_files.notified import Notified, Source
from local.cloud_files.options import Options
from local.cloud_files.pattern import Pattern
from local.cloud_files.queue import MISSING, Queue
from local.cloud_files.selection import Selection
from local.cloud_files.stream_state import StateFile
from local.encoded_keys import encoded


def discovery_of(options: Options, *, state: Path, behavior: Behavior, is_new: bool) -> Discovery:
    """Return the discovery for the options, and create the AWS resources that it needs.

    Args:
        options: options with a path in a bucket.
        state: the folder of the stream's state.
        behavior: the stream's behavior where Auto Loader's is not documented.
        is_new: whether the stream has never started before.

    Raises:
        CloudFilesError: the stream's own queue cannot be created, the given queue cannot be read, or the prefix of a
            new stream is empty.
    """
    assert options.bucket is not None
    pattern = Pattern(options.path.removeprefix("s3:/"), strict=options.strict_globber)
    selection = Selection(pattern, glob_filter=options.glob_filter)
    listing = BucketListing(aws.client("s3", options.region), bucket=options.bucket, selection=selection)
    if is_new and behavior.empty_prefix == "raises":
        listing.reject_empty_prefix()
    memory = StateFile(state)
    if not options.notifications:
        memory.forget()
        return listing
    source: Source = (
        OwnQueue(options, prefix=_filter(listing.prefix, behavior), memory=memory, checkpoint=state.parent)
        if options.queue_url is None
        else GivenQueue(options)
    )
    return Notified(
        source,
        listing,
        selection=selection,
        bucket=options.bucket,
        state=memory,
        interval=options.backfill,
    )


def _filter(prefix: str, behavior: Behavior) -> str:
    return encoded(prefix) if behavior.notification_filter == "encoded" else prefix


class OwnQueue:
    """The queue that the stream creates, together with topic, subscription and bucket notification."""

    def __init__(self, options: Options, *, prefix: str, memory: StateFile, checkpoint: Path) -> None:
        assert options.bucket is not None
        self._options = options
        self._memory = memory
        stream = memory.state.stream
        own = resources.tags(stream=stream, path=options.path, checkpoint=str(checkpoint))
        self._plan = resources.Plan(
            stream=stream,
            bucket=options.bucket,
            prefix=prefix,
            tags={**dict(options.tags), **own},
            same_account=options.same_account,
        )

    def open(self) -> Queue:
        """See `Source.open`."""
        s3, sns, sqs = (aws.client(service, self._options.region) for service in ("s3", "sns", "sqs"))
        clients = resources.Clients(s3=s3, sns=sns, sqs=sqs)
        url, arn = resources.ensure(clients, self._plan, before_change=self._memory.forget)
        return Queue(sqs, url=url, arn=arn, parallel=self._options.fetch_parallelism)

    def gone(self) -> CloudFilesError | None:
        """See `Source.gone`."""
        return None


class GivenQueue:
    """The existing queue of ``cloudFiles.queueUrl``."""

    def __init__(self, options: Options) -> None:
        assert options.queue_url is not None
        self._options = options
        self._url = options.queue_url

    def open(self) -> Queue:
        """See `Source.open`."""
        sqs = aws.client("sqs", self._options.region)
        with aws.calling("sqs:GetQueueAttributes", self._url):
            try:
                answer = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
            except ClientError as error:
                if aws.code(error) in MISSING:
                    raise self.gone() from None
                raise
        arn = answer["Attributes"]["QueueArn"]
        return Queue(sqs, url=self._url, arn=arn, parallel=self._options.fetch_parallelism)

    def gone(self) -> CloudFilesError:
        """See `Source.gone`."""
        region = aws.client("sqs", self._options.region).meta.region_name
        return CloudFilesError(
            f"cloudFiles.queueUrl {self._url}: queue not found in {region}; check the URL and cloudFiles.region, and "
            "name the queue that receives the bucket's notifications"
        )
