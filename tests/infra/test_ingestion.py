"""The Databricks half of the template: functions, provider, custom resource, and their permissions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from infra.assets.function_zip import MACHINE, PYTHON, function_code
from infra.iam import Policy
from infra.iam import policies as access
from infra.resources.provider import QUERY_INTERVAL, TOTAL_TIMEOUT
from infra.resources.registration import TYPE
from tests.infra.conftest import ROOT, Synthesize
from tests.support.environment_files import FULL, NO_WORKSPACE, STACK, environment, maintenance

_REGISTRATION = {
    "vpc-flow-logs-test-registration": "infra.workspace.handler.on_event",
    "vpc-flow-logs-test-registration-check": "infra.workspace.handler.is_complete",
}
_PROVIDER = {
    "vpc-flow-logs-test-provider": "framework.onEvent",
    "vpc-flow-logs-test-provider-check": "framework.isComplete",
    "vpc-flow-logs-test-provider-timeout": "framework.onTimeout",
}


def _of_type(template: Template, kind: str) -> list[dict[str, Any]]:
    return list(template.find_resources(kind).values())


def _waits_for(resources: dict[str, Any], logical_id: str) -> set[str]:
    """Return all resources that a resource depends on, by DependsOn or by reference, directly or indirectly."""
    direct: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                collect(item)
        elif isinstance(value, dict):
            if "Ref" in value:
                direct.add(value["Ref"])
            if "Fn::GetAtt" in value:
                direct.add(value["Fn::GetAtt"][0])
            collect(list(value.values()))

    collect(resources[logical_id].get("Properties", {}))
    direct = (direct | set(resources[logical_id].get("DependsOn", []))) & set(resources)
    return direct.union(*(_waits_for(resources, other) for other in direct)) if direct else set()


def test_both_registration_functions_share_one_zip_and_one_role(synthesized: Synthesize, tmp_path: Path) -> None:
    functions = [f["Properties"] for f in _of_type(synthesized(environment(tmp_path)), "AWS::Lambda::Function")]
    ours = {f["FunctionName"]: f for f in functions if f["Runtime"] == f"python{PYTHON}"}
    assert {name: f["Handler"] for name, f in ours.items()} == _REGISTRATION
    assert len({json.dumps(f["Code"]) for f in ours.values()}) == 1
    for function in ours.values():
        assert function["Role"] == "arn:aws:iam::111122223333:role/vpc-flow-logs-test-registration"
        assert function["Architectures"] == [MACHINE]
        # Without environment variables, no secret can be in one.
        assert "Environment" not in function


def test_provider_functions_outlast_the_timeout_of_our_functions(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path))
    seconds = {
        f["Properties"]["FunctionName"]: f["Properties"]["Timeout"] for f in _of_type(template, "AWS::Lambda::Function")
    }
    assert min(seconds[name] for name in _PROVIDER) >= max(seconds[name] for name in _REGISTRATION) + 60


def test_all_environments_share_the_same_zip(synthesized: Synthesize, tmp_path: Path) -> None:
    keys = {
        function["Properties"]["Code"]["S3Key"]
        for changes in ([], FULL)
        for function in _of_type(synthesized(environment(tmp_path, *changes)), "AWS::Lambda::Function")
        if function["Properties"]["FunctionName"] in _REGISTRATION
    }
    assert len(keys) == 1


def test_every_function_has_a_log_group_with_retention_that_is_deleted_with_the_stack(
    synthesized: Synthesize, tmp_path: Path
) -> None:
    template = synthesized(environment(tmp_path))
    groups = template.find_resources("AWS::Logs::LogGroup")
    assert sorted(group["Properties"]["LogGroupName"] for group in groups.values()) == [
        "/aws/lambda/vpc-flow-logs-test-provider",
        "/aws/lambda/vpc-flow-logs-test-registration",
        "/aws/lambda/vpc-flow-logs-test-registration-check",
    ]
    for group in groups.values():
        assert (group["Properties"]["RetentionInDays"], group["DeletionPolicy"]) == (90, "Delete")
    for function in _of_type(template, "AWS::Lambda::Function"):
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_provider_functions_do_not_log_events(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path))
    functions = {f["Properties"]["FunctionName"]: f["Properties"] for f in _of_type(template, "AWS::Lambda::Function")}
    assert {name: functions[name]["Handler"] for name in _PROVIDER} == _PROVIDER
    for name in _PROVIDER:
        # At any other level, the provider framework logs complete events.
        assert functions[name]["LoggingConfig"]["ApplicationLogLevel"] == "FATAL"
    assert "LoggingConfiguration" not in str(_of_type(template, "AWS::StepFunctions::StateMachine"))


def test_the_custom_resource_has_the_specification_the_secret_and_the_wheel(
    synthesized: Synthesize, tmp_path: Path
) -> None:
    (resource,) = _of_type(synthesized(environment(tmp_path)), TYPE)
    properties = resource["Properties"]
    assert set(properties) == {"ServiceToken", "Spec", "SecretArn", "Wheel"}
    assert properties["SecretArn"] == "arn:aws:secretsmanager:us-east-1:111122223333:secret:databricks/test-AbCdEf"
    assert properties["Wheel"] == function_code().wheel
    assert "network.flow_logs.test" in json.dumps(json.loads(properties["Spec"]))


def test_a_dashboard_adds_its_hash_and_its_outputs(synthesized: Synthesize, tmp_path: Path) -> None:
    warehouse = ("[workspace.cluster]", 'warehouse_id = "0123456789abcdef"\n\n[workspace.cluster]')
    template = synthesized(environment(tmp_path, warehouse))
    ((resource, found),) = template.find_resources(TYPE).items()
    properties = found["Properties"]
    assert properties["Dashboard"] == function_code().dashboard
    assert json.loads(properties["Spec"])["warehouse_id"] == "0123456789abcdef"
    for name in ("DashboardId", "DashboardUrl"):
        template.has_output(name, {"Value": {"Fn::GetAtt": [resource, name]}})


def test_the_specification_refers_to_the_queue_url(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path, STACK))
    (resource,) = _of_type(template, TYPE)
    pieces = resource["Properties"]["Spec"]["Fn::Join"][1]
    references = [piece["Ref"] for piece in pieces if not isinstance(piece, str)]
    queues = template.find_resources("AWS::SQS::Queue", {"Properties": {"QueueName": "vpc-flow-logs-test"}})
    assert set(references) == set(queues)
    url = "https://sqs.us-east-1.amazonaws.com/111122223333/vpc-flow-logs-test"
    assert url in json.dumps(json.loads("".join(piece if isinstance(piece, str) else url for piece in pieces)))


def test_the_registration_waits_for_everything_that_databricks_checks(synthesized: Synthesize, tmp_path: Path) -> None:
    resources = synthesized(environment(tmp_path, *FULL)).to_json()["Resources"]
    (resource,) = (name for name, candidate in resources.items() if candidate["Type"] == TYPE)
    before = {resources[name]["Type"] for name in _waits_for(resources, resource)}
    # The AWS::IAM::Policy is the PassRole policy. The policies of the reader role are inline.
    assert {
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::Queue",
        "AWS::StepFunctions::StateMachine",
        "AWS::Logs::LogGroup",
    } <= before


def test_every_function_is_created_after_its_role(synthesized: Synthesize, tmp_path: Path) -> None:
    resources = synthesized(environment(tmp_path)).to_json()["Resources"]
    for name, resource in resources.items():
        if resource["Type"] in ("AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"):
            role = json.dumps(resource["Properties"].get("Role", resource["Properties"].get("RoleArn")))
            roles = [resources[other]["Properties"] for other in _waits_for(resources, name)]
            assert [r["RoleName"] for r in roles if "RoleName" in r and f'role/{r["RoleName"]}"' in role]


def _documents(policies: tuple[Policy, ...]) -> list[str]:
    return [json.dumps(policy.document, sort_keys=True) for policy in policies]


def test_roles_have_only_the_reviewed_documents(synthesized: Synthesize, tmp_path: Path) -> None:
    settings = environment(tmp_path)
    template = synthesized(settings)
    reviewed = _documents(access.policies(settings))
    roles = [role["Properties"] for role in _of_type(template, "AWS::IAM::Role")]
    assert sorted(role["RoleName"] for role in roles) == [
        "flow-log-reader",
        "vpc-flow-logs-test-provider",
        "vpc-flow-logs-test-provider-check",
        "vpc-flow-logs-test-registration",
        "vpc-flow-logs-test-waiter",
    ]
    for role in roles:
        assert "ManagedPolicyArns" not in role
        assert json.dumps(role["AssumeRolePolicyDocument"], sort_keys=True) in reviewed
        for policy in role["Policies"]:
            assert json.dumps(policy["PolicyDocument"], sort_keys=True) in reviewed
    (policy,) = _of_type(template, "AWS::IAM::Policy")
    assert policy["Properties"]["PolicyName"].startswith("pass-")
    # No function has a resource policy: only roles grant the right to call it.
    template.resource_count_is("AWS::Lambda::Permission", 0)


def test_the_waiter_ends_before_the_cloudformation_timeout(synthesized: Synthesize, tmp_path: Path) -> None:
    (machine,) = _of_type(synthesized(environment(tmp_path)), "AWS::StepFunctions::StateMachine")
    text = "".join(p if isinstance(p, str) else "x" for p in machine["Properties"]["DefinitionString"]["Fn::Join"][1])
    (retry,) = json.loads(text)["States"]["framework-isComplete-task"]["Retry"]
    assert retry["IntervalSeconds"] == QUERY_INTERVAL.to_seconds()
    assert retry["MaxAttempts"] * retry["IntervalSeconds"] == TOTAL_TIMEOUT.to_seconds() >= 40 * 60
    # Each call repeats the whole preflight, which adds twelve seconds.
    assert retry["MaxAttempts"] * (retry["IntervalSeconds"] + 12) < 60 * 60


def test_the_outputs_come_from_the_custom_resource(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path))
    (resource,) = template.find_resources(TYPE)
    for name in ("JobId", "JobUrl", "MaintenanceJobId", "MaintenanceJobUrl", "Table"):
        template.has_output(name, {"Value": {"Fn::GetAtt": [resource, name]}})
    # CloudFormation fails an output whose attribute the function does not return.
    assert [name for name in template.to_json()["Outputs"] if "Dashboard" in name] == []


def test_without_a_maintenance_job_no_output_waits_for_one(synthesized: Synthesize, tmp_path: Path) -> None:
    outputs = synthesized(environment(tmp_path, maintenance("enabled = false"))).to_json()["Outputs"]
    assert [name for name in outputs if "Maintenance" in name] == []


def test_without_a_workspace_the_template_has_no_function(synthesized: Synthesize, tmp_path: Path) -> None:
    template = synthesized(environment(tmp_path, NO_WORKSPACE))
    for kind in ("AWS::Lambda::Function", TYPE, "AWS::StepFunctions::StateMachine", "AWS::Logs::LogGroup"):
        template.resource_count_is(kind, 0)
    template.has_output("Table", {"Value": "network.flow_logs.test"})
    template.has_resource_properties("AWS::IAM::Role", {"RoleName": "flow-log-reader", "Policies": Match.any_value()})


@pytest.mark.parametrize(
    "program",
    ["runpy.run_path('app.py', run_name='__main__')", "runpy.run_module('infra.review', run_name='__main__')"],
    ids=["app", "review"],
)
def test_without_set_up_synthesis_names_the_command_to_run(program: str, tmp_path: Path) -> None:
    code = (
        f"import sys, runpy; sys.prefix = {str(tmp_path)!r}; sys.argv[1:] = ['--env', 'staging', '--check'];{program}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "CDK_CONTEXT_JSON": '{"env": "staging"}', "CDK_OUTDIR": str(tmp_path / "out")},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == (
        "The registration function's packages (infra/workspace/requirements.txt) are not in this venv. "
        "Run make setup and try again"
    )
    assert "Traceback" not in done.stderr
