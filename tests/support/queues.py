"""A queue and a bucket in memory, for tests that stop a stream between any two of its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from typing import Any

from botocore.exceptions import ClientError

from local.cloud_files.discovery import FoundFile, by_time
from local.cloud_files.queue import Queue

ARN = "arn:aws:sqs:us-east-1:111122223333:q"


class Killed(BaseException):
    """End of the process. No code of the stream may catch it."""


class Moments:
    """Counter of the moments between effects; it ends the process at one of them."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.count = 0
        self.kill_at = kill_at

    def pass_one(self, *_: object) -> None:
        """Count a moment, and raise Killed if it is the selected one."""
        self.count += 1
        if self.count - 1 == self.kill_at:
            raise Killed


class Sqs:
    """The part of SQS that a stream uses: each receive hides messages and changes their receipt handles."""

    def __init__(self, moment: Callable[[], object] = lambda: None) -> None:
        self.moment = moment
        self.bodies: dict[str, str] = {}
        self.hidden: dict[str, str] = {}
        self.calls: list[str] = []
        self.waits: list[int] = []
        self.hides = True
        self.errors: dict[str, str] = {}
        self._number = 0

    def send(self, body: str) -> None:
        """Add a message to the queue."""
        self._number += 1
        self.bodies[f"m{self._number}"] = body

    def show_again(self) -> None:
        """Make all messages visible that were received and not deleted."""
        self.hidden.clear()

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> dict[str, Any]:
        self._call("receive")
        self.waits.append(WaitTimeSeconds)
        taken = [name for name in self.bodies if name not in self.hidden][:MaxNumberOfMessages]
        for name in taken:
            self._number += 1
            self.hidden[name] = f"r{self._number}"
        self.moment()
        messages = [
            {"MessageId": name, "ReceiptHandle": self.hidden[name], "Body": self.bodies[name]} for name in taken
        ]
        if not self.hides:
            self.hidden.clear()
        return {"Messages": messages} if messages else {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:
        self._call("delete")
        self._of(ReceiptHandle, then=self.bodies.pop)
        self.moment()

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        self._call("hide")
        self._of(ReceiptHandle)
        self.moment()

    def _call(self, name: str) -> None:
        self.moment()
        self.calls.append(name)
        if name in self.errors:
            raise ClientError({"Error": {"Code": self.errors[name], "Message": "no"}}, name)

    def _of(self, receipt: str, then: Callable[[str], object] = lambda name: None) -> None:
        received = [name for name, handle in self.hidden.items() if handle == receipt]
        if not received:
            raise ClientError({"Error": {"Code": "ReceiptHandleIsInvalid", "Message": "no"}}, "")
        then(received[0])


class Bucket:
    """A bucket in memory: the listing of its objects, and the `Source` that gives a stream its queue."""

    def __init__(self, sqs: Sqs) -> None:
        self.sqs = sqs
        self.keys: list[str] = []
        self.listings = 0
        self.opened = 0
        self.drained = True

    def put(self, key: str, *, events: int = 1) -> None:
        """Add an object, and send this number of events for it."""
        self.keys.append(key)
        for _ in range(events):
            self.sqs.send(event(key))

    # The interface of a listing.

    def new_files(self, known: Container[str], *, patient: bool = False) -> list[FoundFile]:
        self.listings += 1
        files = [FoundFile(f"s3://b/{key}", 0, 1) for key in self.keys]
        return by_time([file for file in files if file.path not in known])

    def existing(self) -> list[FoundFile]:
        return self.new_files(frozenset())

    def logged(self, offset: int) -> None:
        pass

    def committed(self, offset: int) -> None:
        pass

    def rest(self, took: float) -> float:
        return 0

    # The interface of a source.

    def open(self) -> Queue:
        self.opened += 1
        return Queue(self.sqs, url="q", arn=ARN)

    def gone(self) -> None:
        return None


def event(key: str, *, name: str = "ObjectCreated:Put", bucket: str = "b") -> str:
    """Return a message body that SNS forwards for an S3 event."""
    record = {
        "eventSource": "aws:s3",
        "eventName": name,
        "eventTime": "1970-01-01T00:00:00.000Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}},
    }
    return wrapped({"Records": [record]})


def wrapped(message: object) -> str:
    """Return a message in the envelope of SNS."""
    return json.dumps({"Type": "Notification", "MessageId": "1", "Message": json.dumps(message)})
