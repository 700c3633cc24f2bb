"""Return every IAM document of the product: pure functions from names and ARNs to statements, without CDK.

One module per carrier: `reader`, `notifications`, `log_bucket`, `kms_key`, `registration`, `github_actions`.
The modules `policies`, `registration_policies` and `ci_policies` put them together for an environment; stacks,
review and tests all take them from there.
"""

from infra.iam.statement import Document, Policy, Statement, document

__all__ = ["Document", "Policy", "Statement", "document"]
