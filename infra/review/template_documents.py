"""The IAM documents of a CloudFormation template, with references replaced by names where the template has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.environment import partitions

_NAMES = ("RoleName", "BucketName", "QueueName", "TopicName", "FunctionName", "InstanceProfileName")
_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument", "KeyPolicy", "ResourcePolicy")
_CARRIERS = ("Roles", "Users", "Groups", "Queues", "Topics")
_SOURCES = {"SourceAccount": "aws:SourceAccount", "SourceArn": "aws:SourceArn", "PrincipalOrgID": "aws:PrincipalOrgID"}


@dataclass(frozen=True)
class TemplateDocument:
    """A document of a template.

    Attributes:
        logical_id: Logical ID of its resource.
        kind: Its property, or the name of an inline policy.
        document: The document.
    """

    logical_id: str
    kind: str
    document: dict[str, Any]


def documents_of(template: Mapping[str, Any], *, account: str, region: str) -> Iterator[TemplateDocument]:
    """Return every IAM document of a template, and the managed policies of its roles."""
    pseudo = {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": partitions.of(region).name,
        "AWS::URLSuffix": partitions.of(region).dns_suffix,
    }
    resources = template.get("Resources", {})
    for logical_id, resource in resources.items():
        properties = _resolved(resource.get("Properties", {}), resources, pseudo)
        for kind in _DOCUMENTS:
            if kind in properties:
                # Once for each role or queue that has the policy.
                copies = sum(len(properties.get(carriers, [])) for carriers in _CARRIERS) or 1
                yield from [TemplateDocument(logical_id, kind, properties[kind])] * copies
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield TemplateDocument(logical_id, policy["PolicyName"], policy["PolicyDocument"])
        managed = [str(arn) for arn in properties.get("ManagedPolicyArns", [])]
        if managed:
            yield TemplateDocument(logical_id, "ManagedPolicyArns", {"ManagedPolicyArns": sorted(managed)})
        if resource["Type"] == "AWS::Lambda::Permission":
            yield TemplateDocument(logical_id, "Permission", _permission(properties))


def _permission(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Lambda permission as the statement that Lambda adds to the function's policy."""
    principal = str(properties["Principal"])
    conditions = {key: properties[name] for name, key in _SOURCES.items() if name in properties}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service" if "." in principal else "AWS": principal},
        "Action": properties["Action"],
        "Resource": properties["FunctionName"],
        **({"Condition": {"StringEquals": conditions}} if conditions else {}),
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def readable(logical_id: str) -> str:
    """Return a logical ID without CDK's hash at its end, in lowercase with hyphens."""
    stem = re.sub(r"[0-9A-F]{8}$", "", logical_id)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stem).lower()


def _resolved(value: Any, resources: Mapping[str, Any], pseudo: Mapping[str, str]) -> Any:
    """Return a value with CloudFormation's functions evaluated as far as the template allows."""
    if isinstance(value, list):
        return [_resolved(item, resources, pseudo) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (key, argument), *_ = value.items()
        if key == "Ref":
            return pseudo.get(argument) or _name(argument, resources)
        if key == "Fn::GetAtt":
            return f"${{{'.'.join(argument)}}}"
        if key == "Fn::Join":
            return argument[0].join(str(_resolved(item, resources, pseudo)) for item in argument[1])
        if key == "Fn::Sub" and isinstance(argument, str):
            return re.sub(r"\$\{([A-Za-z:]+)\}", lambda match: pseudo.get(match[1], match[0]), argument)
    return {key: _resolved(item, resources, pseudo) for key, item in value.items()}


def _name(logical_id: str, resources: Mapping[str, Any]) -> str:
    properties = resources.get(logical_id, {}).get("Properties", {})
    names = [properties[key] for key in _NAMES if isinstance(properties.get(key), str)]
    return names[0] if names else f"${{{logical_id}}}"
