"""The messages of a queue: received, kept until their files are done, and then deleted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.cloud_files.aws import calling, code
from local.cloud_files.events import CreatedObject, NoEventError, created_objects

WAIT = 1
"""Seconds that an empty queue waits for a message, so that an idle stream makes one request per second."""

MESSAGES = 1000
"""A call of `Queue.take` stops at this number of messages, so that they are logged before they are visible again."""

LONG = 900
"""Visibility timeout in seconds for a message that was received again before its files were done."""

MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
"""Error codes of SQS for a queue that does not exist."""

_FORGOTTEN = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}
"""Error codes of an expired receipt: the message was deleted, or is visible again and will have a new receipt."""

_log = logging.getLogger(__name__)


class QueueGoneError(Exception):
    """The queue does not exist, or no longer exists."""


@dataclass
class _ReceivedMessage:
    """A received message.

    Attributes:
        receipt: its newest receipt.
        done: the offset at which its files are done; None if they are not in the durable log yet.
    """

    receipt: str
    done: int | None = None


class Queue:
    """A queue of S3 events, read by one stream.

    A message is deleted when its files are done. Until then it becomes visible again, so a stream that was killed
    receives it again. The queue calls ``sqs:DeleteMessage`` and ``sqs:ChangeMessageVisibility`` for each message and
    not for batches, because the policy that Databricks documents has these actions.

    Args:
        client: a boto3 client for SQS.
        url: the queue's URL.
        arn: its ARN, for error messages.
        parallel: the number of parallel requests.
    """

    def __init__(self, client: Any, *, url: str, arn: str, parallel: int = 1) -> None:
        self._client = client
        self._url = url
        self._parallel = parallel
        self._messages: dict[str, _ReceivedMessage] = {}
        self.arn = arn
        self.drained = True

    def take(self, *, patient: bool) -> list[CreatedObject]:
        """Return the files that waiting messages report; if there are none, a patient call waits for `WAIT` seconds.

        Afterward, `drained` is true if the queue was empty. A message that is not an S3 event is logged as a warning
        and stays in the queue, for the dead-letter queue.

        Raises:
            QueueGoneError: the queue does not exist.
            CloudFilesError: reading the queue is denied, or failed.
        """
        files: list[CreatedObject] = []
        taken: set[str] = set()
        self.drained = False
        while len(taken) < MESSAGES:
            messages = self._receive(wait=WAIT if patient and not taken else 0)
            names = {message["MessageId"] for message in messages}
            # With a short visibility timeout, messages can arrive again before the queue is empty.
            if names <= taken:
                self.drained = True
                break
            taken |= names
            for message in messages:
                files += self._keep(message)
        return files

    def logged(self, offset: int) -> None:
        """Record that the files of all messages received so far are in the durable log, up to this offset."""
        for message in self._messages.values():
            if message.done is None:
                message.done = offset

    def committed(self, offset: int) -> None:
        """Delete the messages with files that are done, now that the micro-batches up to this offset are done.

        Raises:
            CloudFilesError: deleting a message is denied, or failed.
        """
        done = {
            name: message
            for name, message in self._messages.items()
            if message.done is not None and message.done <= offset
        }
        self._each(self._delete, [message.receipt for message in done.values()])
        for name in done:
            del self._messages[name]

    def _receive(self, *, wait: int) -> list[dict[str, Any]]:
        with calling("sqs:ReceiveMessage", self.arn):
            try:
                answer = self._client.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
            except ClientError as error:
                if code(error) in MISSING:
                    raise QueueGoneError from None
                raise
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _keep(self, message: dict[str, Any]) -> list[CreatedObject]:
        name, receipt = message["MessageId"], message["ReceiptHandle"]
        before = self._messages.get(name)
        if before is not None:
            # Its files take longer than its visibility timeout; only the newest receipt can delete it.
            before.receipt = receipt
            self._hide(receipt)
            return []
        try:
            files = created_objects(message["Body"])
        except NoEventError as error:
            _log.warning("message %s stays in the queue %s: %s", name, self.arn, error)
            return []
        self._messages[name] = _ReceivedMessage(receipt)
        return files

    def _hide(self, receipt: str) -> None:
        with calling("sqs:ChangeMessageVisibility", self.arn), _forgetting():
            self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=LONG)

    def _delete(self, receipt: str) -> None:
        with calling("sqs:DeleteMessage", self.arn), _forgetting():
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)

    def _each(self, call: Callable[[str], None], receipts: Iterable[str]) -> None:
        if self._parallel == 1:
            for receipt in receipts:
                call(receipt)
            return
        with ThreadPoolExecutor(self._parallel) as pool:
            for _ in pool.map(call, receipts):
                pass


@contextmanager
def _forgetting() -> Iterator[None]:
    """Ignore errors about an expired receipt or a deleted queue: nothing more can be done about the message."""
    try:
        yield
    except ClientError as error:
        if code(error) not in _FORGOTTEN | MISSING:
            raise
