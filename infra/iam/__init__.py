"""All IAM documents of the product: pure functions from names and ARNs to statements, without CDK.

There is one module per carrier: `reader`, `notifications`, `log_bucket`, `kms_key`, `registration` and
`github_actions`. The modules `policies`, `registration_policies` and `ci_policies` combine them for an environment.
Stacks, the review and the tests take the documents from there.
"""

from infra.iam.statement import Document, Policy, Statement, document

__all__ = ["Document", "Policy", "Statement", "document"]
