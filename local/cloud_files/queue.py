"""The messages of a queue: taken, kept until their files are done, and only then deleted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.cloud_files.aws import calling, code
from local.cloud_files.events import Created, NoEventError, created

WAIT = 1
"""Seconds that the queue waits for a message when it has none: an idle stream makes one request a second."""

MESSAGES = 1000
"""How many are taken at once: few enough to be in the durable log before the queue shows them again."""

LONG = 900
"""Seconds for which a message that came back before its files were done is hidden."""

MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
"""What SQS calls a queue that does not exist."""

_FORGOTTEN = {"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}
"""Of a receipt that is no longer good: the message was deleted, or is visible again and will come with a new one."""

_log = logging.getLogger(__name__)


class QueueGoneError(Exception):
    """The queue does not exist (any more)."""


@dataclass
class _Kept:
    """A message that was taken: its newest receipt, and the offset at which its files are done (None: not logged)."""

    receipt: str
    done: int | None = None


class Queue:
    """A queue of S3's events, read by one stream.

    The queue shows a message again until it is deleted, which happens when its files are done: a stream that is killed
    at any moment gets it once more. With ``sqs:DeleteMessage`` and ``sqs:ChangeMessageVisibility`` for each message by
    itself, for these are the actions that Databricks' policy has.

    Args:
        client: boto3's, for SQS.
        url: the queue's URL.
        arn: its ARN, for messages to people.
        parallel: how many requests run at the same time.
    """

    def __init__(self, client: Any, *, url: str, arn: str, parallel: int = 1) -> None:
        self._client = client
        self._url = url
        self._parallel = parallel
        self._kept: dict[str, _Kept] = {}
        self.arn = arn
        self.drained = True

    def take(self, *, patient: bool) -> list[Created]:
        """Return the files that waiting messages tell of; if there are none, a patient caller waits for `WAIT` seconds.

        `drained` then says whether the queue was found empty. A message that is no event is left where it is, for the
        dead-letter queue, and warned of.

        Raises:
            QueueGoneError: when the queue does not exist.
            CloudFilesError: when it may not be read.
        """
        files: list[Created] = []
        taken: set[str] = set()
        self.drained = False
        while len(taken) < MESSAGES:
            messages = self._receive(wait=WAIT if patient and not taken else 0)
            names = {message["MessageId"] for message in messages}
            # A queue may hide messages so shortly that they come again before others end.
            if names <= taken:
                self.drained = True
                break
            taken |= names
            for message in messages:
                files += self._keep(message)
        return files

    def logged(self, offset: int) -> None:
        """Take note that the files of all messages taken until now are in the durable log, up to this offset."""
        for kept in self._kept.values():
            if kept.done is None:
                kept.done = offset

    def committed(self, offset: int) -> None:
        """Delete the messages whose files are done, with the micro-batches up to this offset.

        Raises:
            CloudFilesError: when they may not be deleted.
        """
        done = {name: kept for name, kept in self._kept.items() if kept.done is not None and kept.done <= offset}
        self._each(self._delete, [kept.receipt for kept in done.values()])
        for name in done:
            del self._kept[name]

    def _receive(self, *, wait: int) -> list[dict[str, Any]]:
        with calling("sqs:ReceiveMessage", self.arn):
            try:
                answer = self._client.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
            except ClientError as error:
                if code(error) in MISSING:
                    raise QueueGoneError from None
                raise
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _keep(self, message: dict[str, Any]) -> list[Created]:
        name, receipt = message["MessageId"], message["ReceiptHandle"]
        before = self._kept.get(name)
        if before is not None:
            # Its files take longer than the queue hides it; only the newest receipt deletes it.
            before.receipt = receipt
            self._hide(receipt)
            return []
        try:
            files = created(message["Body"])
        except NoEventError as error:
            _log.warning("message %s of %s is left in the queue: %s", name, self.arn, error)
            return []
        self._kept[name] = _Kept(receipt)
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
    """Pass over a receipt or a queue that is no longer there: what could be done about the message has been done."""
    try:
        yield
    except ClientError as error:
        if code(error) not in _FORGOTTEN | MISSING:
            raise
