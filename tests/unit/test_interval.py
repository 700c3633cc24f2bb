"""The interval at which a continuous run looks for files: parameter, environment file and trigger of the stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.config import EnvironmentFileError, load
from infra.workspace_spec import job_parameters
from tests.support.environment_files import changed
from vpc_flow_logs import source, stream
from vpc_flow_logs.parameters import Parameters, parameters_of, problems_of

REQUIRED = {
    "vpc-logs-path": "s3://flow-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/*",
    "checkpoint-path": "/Volumes/network/flow_logs/checkpoints/a",
    "table-name": "network.flow_logs.a",
    "region-name": "us-east-1",
    "headers": "version,srcaddr",
}
CONTINUOUS = 'trigger = "continuous"'


def parameters(**values: str) -> Parameters:
    return parameters_of({**REQUIRED, **{name.replace("_", "-"): value for name, value in values.items()}})


def job(tmp_path: Path, keys: str) -> dict[str, str]:
    """Return the parameters that the job of an environment file with these keys gets."""
    file = tmp_path / "test.toml"
    file.write_text(changed((CONTINUOUS, keys)))
    return job_parameters(load(str(file)), queue_url=None)


class StreamWriter:
    """A stand-in for Spark's stream writer; it records the trigger."""

    def __init__(self) -> None:
        self.triggers: list[dict[str, Any]] = []
        self.writeStream = self

    def foreachBatch(self, _: object) -> StreamWriter:
        return self

    def option(self, *_: str) -> StreamWriter:
        return self

    def trigger(self, **trigger: Any) -> StreamWriter:
        self.triggers.append(trigger)
        return self

    def start(self) -> Any:
        return self

    def awaitTermination(self) -> None: ...

    def stop(self) -> None: ...


class Sink:
    def __init__(self) -> None:
        self.missing_files: list[str] = []

    def write(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("values", "trigger"),
    [
        ({"trigger": "continuous"}, {"processingTime": "60 seconds"}),
        ({"trigger": "continuous", "notifications": "off"}, {"processingTime": "60 seconds"}),
        ({"trigger": "continuous", "interval_seconds": "2"}, {"processingTime": "2 seconds"}),
        ({"interval_seconds": "2"}, {"availableNow": True}),
    ],
)
def test_a_continuous_run_looks_for_files_once_per_interval(
    values: dict[str, str], trigger: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StreamWriter()
    monkeypatch.setattr(source, "files", lambda *_, **__: writer)
    stream.run(None, parameters(**values), Sink())  # type: ignore[arg-type]
    assert writer.triggers == [trigger]


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "two", "", "1000000000", "99999999999", "0" * 5000 + "1"])
def test_an_interval_that_is_not_a_whole_number_of_seconds_is_rejected(value: str) -> None:
    problem = problems_of({**REQUIRED, "interval-seconds": value})["interval-seconds"]
    assert problem == f"{value!r} is not a whole number from 1 to 999999999"


def test_the_environment_file_sets_the_interval_of_the_job(tmp_path: Path) -> None:
    assert job(tmp_path, f"{CONTINUOUS}\ninterval_seconds = 300")["interval-seconds"] == "300"


@pytest.mark.parametrize("keys", [CONTINUOUS, f"{CONTINUOUS}\ninterval_seconds = 60"])
def test_the_default_interval_is_not_sent_so_that_existing_jobs_do_not_change(keys: str, tmp_path: Path) -> None:
    assert "interval-seconds" not in job(tmp_path, keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (f"{CONTINUOUS}\ninterval_seconds = 0", "job.interval_seconds: 0"),
        (f"{CONTINUOUS}\ninterval_seconds = 86401", "job.interval_seconds: 86401"),
        (f'{CONTINUOUS}\ninterval_seconds = "60"', 'job.interval_seconds: "60"'),
        (
            'trigger = "scheduled"\nschedule = "0 0/15 * * * ?"\ninterval_seconds = 60',
            'job.interval_seconds: applies only with trigger = "continuous", but trigger is "scheduled"',
        ),
    ],
)
def test_an_interval_that_cannot_be_used_is_reported_with_its_key(keys: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError) as error:
        job(tmp_path, keys)
    assert message in str(error.value)
