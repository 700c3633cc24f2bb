"""Helpers of the emulator's tests: the CDK command line, an account to deploy to, and a stack of functions."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from local.aws import Emulator

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600
"""Timeout of a command in seconds, generous because the machine may be busy."""


def bootstrap(stage: Emulator, *, folder: Path) -> None:
    """Prepare the stage's account for CDK, in a folder without an app, so that the command synthesizes none."""
    cdk(stage, "bootstrap", f"aws://{stage.account}/{stage.region}", folder=folder, cwd=folder)


def destroy(stage: Emulator, *, folder: Path) -> None:
    """Delete the stacks of the last deployment without synthesizing them again."""
    cdk(stage, "destroy", "--all", "--force", "--app", str(folder / "cdk.out"), folder=folder, cwd=folder)


def cdk(stage: Emulator, *arguments: str, folder: Path, cwd: Path = ROOT) -> str:
    """Run the repository's CDK command line, check that it succeeds, and return its output."""
    environment = stage.environment()
    environment["PATH"] = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), environment["PATH"]])
    process = subprocess.run(
        ["cdk", *arguments, "--no-notices", "--output", str(folder / "cdk.out")],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout


def make_cross_account_role(stage: Emulator, name: str) -> None:
    """Create the role that Databricks launches clusters with; it must exist before a deployment."""
    databricks = "arn:aws:iam::414351767826:root"
    statement = {"Effect": "Allow", "Principal": {"AWS": databricks}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stage.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)


def wait(stage: Emulator, stack: str, what: str) -> None:
    stage.client("cloudformation").get_waiter(what).wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


# The functions respond to CloudFormation as CDK's own functions do: the one in Node ignores the URL's port.
_NODE = """
const https = require("https");
exports.handler = async (event) => {
  const url = new URL(event.ResponseURL);
  const body = JSON.stringify({Status: "SUCCESS", PhysicalResourceId: "x", StackId: event.StackId,
    RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId, Data: {Pid: String(process.pid)}});
  await new Promise((resolve, reject) => {
    const request = https.request({hostname: url.hostname, path: url.pathname + url.search, method: "PUT",
      headers: {"content-type": "", "content-length": Buffer.byteLength(body)}}, resolve);
    request.on("error", reject);
    request.end(body);
  });
};
"""
_PYTHON = """
import json, os, urllib.request
def handler(event, context):
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": "x", "Data": {"Pid": str(os.getpid())}}
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request).close()
"""


def with_custom_resources() -> str:
    """Return a template with a custom resource in each language; it outputs the functions' process ids."""
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    resources: dict[str, Any] = {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}}
    for name, runtime, code in (("Node", "nodejs22.x", _NODE), ("Python", "python3.12", _PYTHON)):
        function = {
            "Runtime": runtime,
            "Handler": "index.handler",
            "Code": {"ZipFile": code},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        }
        token = {"ServiceToken": {"Fn::GetAtt": [f"{name}Function", "Arn"]}, "ServiceTimeout": 60}
        resources[f"{name}Function"] = {"Type": "AWS::Lambda::Function", "Properties": function}
        resources[f"{name}Resource"] = {"Type": "Custom::Answer", "Properties": token}
    outputs = {name: {"Value": {"Fn::GetAtt": [f"{name}Resource", "Pid"]}} for name in ("Node", "Python")}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def functions_of(stage: Emulator) -> list[int]:
    """Create a stack with custom resources and return the process ids of its functions."""
    cloudformation = stage.client("cloudformation")
    cloudformation.create_stack(
        StackName="functions", TemplateBody=with_custom_resources(), Capabilities=["CAPABILITY_IAM"]
    )
    wait(stage, "functions", "stack_create_complete")
    (stack,) = cloudformation.describe_stacks(StackName="functions")["Stacks"]
    return [int(output["OutputValue"]) for output in stack["Outputs"]]
