"""AWS on this machine: MiniStack as a child process that checks signatures and enforces IAM.

>>> with running(Path("stage")) as aws:                                     # doctest: +SKIP
...     aws.client("s3").create_bucket(Bucket="logs")
...     subprocess.run(["cdk", "bootstrap"], env=aws.environment())
"""

from local.aws.emulator import Credentials, Emulator, Refused
from local.aws.process import NotStarted, running

__all__ = ["Credentials", "Emulator", "NotStarted", "Refused", "running"]
