"""Internal operations of AWS, which require the stage's secret. MiniStack answers all other requests."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from ministack.core.iam_evaluator import pin_request_origin

from local.aws.emulator import PRIVATE
from local.aws.inside import delivery, flow_logs, instances, passing, switches
from local.aws.inside.errors import RequestRejected

_Application = Callable[[Any, Any, Any], Awaitable[None]]

_ANSWERS: dict[str, Callable[[dict[str, str], bytes], dict[str, Any]]] = {
    "instance-credentials": lambda query, _: instances.credentials(
        query["profile"], account=query["account"], seconds=int(query["seconds"])
    ),
    "may-pass-role": lambda query, _: {"allowed": passing.allowed(query["role"], launcher=query["launcher"])},
    "places": lambda _, __: {"places": [vars(place) for place in flow_logs.places()]},
    "switch": lambda query, _: {"was": switches.turn(query["name"], on=query["on"] == "true")},
    "deliver": lambda query, body: delivery.deliver(query["flow_log"], key=query["key"], body=body),
}


class Private:
    """An ASGI application that answers requests under ``/_stage/`` and passes on all others."""

    def __init__(self, application: _Application, *, secret: str) -> None:
        self.application = application
        self.expected = f"Bearer {secret}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PRIVATE):
            await self.application(scope, receive, send)
            return
        status, answer = await self._answer(scope, receive)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    async def _answer(self, scope: Any, receive: Any) -> tuple[int, dict[str, Any]]:
        body = await _body(receive)
        if not hmac.compare_digest(dict(scope["headers"]).get(b"authorization", b""), self.expected):
            return 403, {"reason": "the stage's secret is required"}
        answer = _ANSWERS.get(scope["path"].removeprefix(PRIVATE))
        if not answer:
            return 404, {"reason": f"unknown path {scope['path']}"}
        # AWS services use TLS among themselves, and policies can require it.
        pin_request_origin("127.0.0.1", True)
        try:
            return 200, answer(dict(parse_qsl(scope["query_string"].decode())), body)
        except RequestRejected as error:
            return 409, {"reason": str(error)}


async def _body(receive: Any) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)
