"""Remove everything from text that identifies an account, a workspace or a person.

A value of the environment file is replaced with the name of its key, any other identifier with its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.environment.schema import Environment

# Values and words that are too common to identify anyone.
_PUBLIC_KEYS = frozenset(
    {
        "aggregation_seconds", "existing", "fields", "file_format", "headers", "hive_partitions", "hourly_partitions",
        "node_type", "notifications", "pause", "region", "retention_days", "schedule", "skip_validation",
        "spark_version", "traffic", "trigger", "verify", "workers",
    }
)  # fmt: skip
_PUBLIC_WORDS = frozenset(
    {
        "AWSLogs", "Volumes", "admins", "arn", "aws", "checkpoint", "checkpoints", "cloud", "com", "databricks", "dbfs",
        "default", "file", "flow_logs", "flow-logs", "hive_metastore", "http", "https", "iam", "kms", "key", "logs",
        "main", "role", "samples", "secret", "secretsmanager", "spark_catalog", "system", "tables", "users", "volumes",
        "workspace",
    }
)  # fmt: skip
_SHORTEST = 3

# Replaced before names, because an address is not recognized once a name in it has been replaced.
_WHOLE_FORMS: tuple[tuple[str, str], ...] = (
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", "<secret>"),
    (r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{12,}\b", "<key id>"),
    (r"\bdapi[0-9a-f]{32}(?:-[0-9]+)?\b|\bdose[0-9a-f]{32}\b|\beyJ[\w.-]{20,}", "<secret>"),
    (r"\bgh[opsur]_[0-9A-Za-z]{20,}\b|\bgithub_pat_[0-9A-Za-z_]{20,}", "<secret>"),
    (r"(?i)\b((?:client_)?secret|token|password|authorization)([\"']?\s*[:=]\s*[\"']?)[^\s\"',}]+", r"\1\2<secret>"),
    (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<e-mail>"),
    (r"\bhttps?://[^\s\"'<>)\]]+", "<url>"),
    (r"\b[\w-]+(?:\.[\w-]+)*\.(?:databricks\.com|databricks\.us|amazonaws\.com(?:\.cn)?|internal)\b", "<host>"),
    (r"\bdbc-[0-9a-f]{8}-[0-9a-f]{4}\b", "<host>"),
)
# Replaced after names, because a name may contain an account ID.
_FORMS: tuple[tuple[str, str], ...] = (
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
    (r"\b[0-9]{4}-[0-9]{6}-[0-9a-z]+\b", "<cluster>"),
    (r"\b(ip)-[0-9]{1,3}(?:-[0-9]{1,3}){3}\b", "<address>"),
    (r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b(?!\.[0-9])", "<address>"),
    (r"\b((?:vpc|subnet|eni|i|sg|tgw|fl|vpce|rtb|igw|nat)-)[0-9a-f]{8,17}\b", r"<\1id>"),
    (r"(?<![0-9])[0-9]{12}(?![0-9])", "<account>"),
    (r"(?<![0-9])[0-9]{10,}(?![0-9])", "<number>"),
    # A secret access key can be recognized only by its length and characters.
    (r"(?<![\w+/=-])(?=[\w+/=-]*[0-9])(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])[\w+/=-]{36,}", "<secret>"),
    (r"(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])", "<id>"),
)


class Mask:
    """Replace the names of an environment, and every other identifier.

    Args:
        names: The replacement for each name. The longest names are replaced first.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        private = (name for name in names if len(name) >= _SHORTEST and name not in _PUBLIC_WORDS)
        longest = sorted(private, key=len, reverse=True)
        self._names = {name.lower(): names[name] for name in longest}
        every = "|".join(re.escape(name) for name in longest)
        # Whole words only: `vpc_flow_logs` does not contain the name of a bucket `logs`.
        self._known = re.compile(rf"(?<![A-Za-z0-9_])(?:{every})(?![A-Za-z0-9_])", re.IGNORECASE) if every else None
        self._whole, self._forms = _compiled(_WHOLE_FORMS), _compiled(_FORMS)

    def __call__(self, text: str) -> str:
        """Return the text with names and identifiers replaced."""
        for pattern, shown in self._whole:
            text = pattern.sub(shown, text)
        if self._known is not None:
            text = self._known.sub(lambda match: self._names[match[0].lower()], text)
        for pattern, shown in self._forms:
            text = pattern.sub(shown, text)
        return text


def _compiled(forms: Sequence[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern, re.DOTALL), shown) for pattern, shown in forms]


def names_of(environment: Environment) -> dict[str, str]:
    """Return every name in an environment file that may identify someone, with its replacement."""
    names: dict[str, str] = {}
    public: set[str] = set()
    for key, value in _leaves(environment.model_dump(), ""):
        if key in _PUBLIC_KEYS:
            public.add(value)
            continue
        for name in (value, *re.split(r"[/.:=@\s]+", value)):
            names.setdefault(name, f"<{key}>")
    return {name: shown for name, shown in names.items() if name not in public}


def _leaves(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield each string with its key. The keys of tags are included, because users choose them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if key == "tags":
                yield key, str(name)
            yield from _leaves(inner, key if key in ("tags", "tag_keys") else str(name))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, str):
        yield {"name": "bucket"}.get(key, key), value
