"""The probe's questions to AWS about the resources that Auto Loader created, asked with the reader role."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from vpc_flow_logs import permissions
from vpc_flow_logs.answer import Answer, holds
from vpc_flow_logs.failures import headline
from vpc_flow_logs.logs_path import load_path
from vpc_flow_logs.notification_permissions import AUTO_INGEST
from vpc_flow_logs.parameters import Parameters
from vpc_flow_logs.paths import parts, scheme_of
from vpc_flow_logs.progress import counted

_KINDS = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}


def auto_loader_resources(parameters: Parameters) -> Iterator[Answer]:
    """Describe the bucket's notifications, and the topics and queues that Auto Loader created for them."""
    question = "the resources that Auto Loader created"
    if scheme_of(parameters.vpc_logs_path) != "s3":
        yield Answer(question, "not asked", ("the logs are not in a bucket",))
        return
    try:
        s3, sns, sqs = (permissions.client(name, region=parameters.region_name) for name in ("s3", "sns", "sqs"))
    except ImportError:
        yield Answer(question, "not asked", (permissions.NO_BOTO3,))
        return
    bucket, *names = parts(load_path(parameters.vpc_logs_path))
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    prefix = "/".join(names).partition("*")[0]
    facts: list[str] = []
    topics = []
    for kind, target in _KINDS.items():
        for entry in configuration.get(kind, []):
            facts.append(_described(entry, str(entry[target]), prefix))
            if AUTO_INGEST in str(entry[target]) and kind == "TopicConfigurations":
                topics.append(str(entry[target]))
    if "EventBridgeConfiguration" in configuration:
        facts.append("the bucket also sends its events to EventBridge")
    yield Answer("the bucket's notifications", "seen", tuple(facts) or ("none",))
    if not topics:
        yield Answer(question, "not asked", ("no Auto Loader topic receives this bucket's events",))
    for topic in topics:
        yield from _topic(sns, sqs, topic)


def _described(entry: Mapping[str, Any], target: str, prefix: str) -> str:
    """Describe a notification: the kind of its target, and its filter in comparison with the load path."""
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    spelled = ", ".join(f"{rule['Name'].lower()} {_spelling(str(rule['Value']), prefix)}" for rule in rules)
    by = "of Auto Loader" if AUTO_INGEST in target else "of others"
    return f"to {target.split(':')[2]}, {by}, for {', '.join(entry['Events'])}, filter: {spelled or 'none'}"


def _spelling(value: str, prefix: str) -> str:
    plain = unquote(value)
    encoded = "percent-encoded" if plain != value else "raw"
    if plain.rstrip("/") == prefix.rstrip("/"):
        where = "the load path up to its first wildcard"
    elif prefix.startswith(plain):
        where = "wider than the load path"
    else:
        where = "different from the load path"
    return f"{value!r} ({encoded}, {where})"


def _topic(sns: Any, sqs: Any, topic: str) -> Iterator[Answer]:
    name, facts = topic.rpartition(":")[2], list[str]()
    entries = _response(facts, sns.list_subscriptions_by_topic, TopicArn=topic).get("Subscriptions", [])
    queues = [each["Endpoint"].rpartition(":")[2] for each in entries if each["Protocol"] == "sqs"]
    same_name = "Auto Loader gives the topic and the queue the same name"
    yield holds(same_name, queues == [name], f"subscribed: {counted(len(queues), 'queue')}", *facts)
    facts.clear()
    tags = _response(facts, sns.list_tags_for_resource, ResourceArn=topic).get("Tags", [])
    facts += [f"topic: {tag['Key']} = {tag['Value']}" for tag in tags]
    for queue in queues:
        url = _response(facts, sqs.get_queue_url, QueueName=queue).get("QueueUrl")
        of_queue = _response(facts, sqs.list_queue_tags, QueueUrl=url).get("Tags", {}) if url else {}
        facts += [f"queue: {key} = {value}" for key, value in of_queue.items()]
    yield Answer("tags of the resources that Auto Loader created", "seen", tuple(facts) or ("none",))
    facts.clear()
    policy = _response(facts, sns.get_topic_attributes, TopicArn=topic).get("Attributes", {}).get("Policy", "")
    limited = "aws:SourceAccount" in policy
    yield holds("the topic's policy is limited to this account", limited, *(facts or ([] if policy else ["no policy"])))


def _response(facts: list[str], call: Callable[..., Any], **arguments: str) -> dict[str, Any]:
    """Make a call. If it fails, add the error to ``facts`` and return an empty response."""
    try:
        response: dict[str, Any] = call(**arguments)
    except Exception as error:  # noqa: BLE001 - reported
        facts.append(headline(error))
        return {}
    return response
