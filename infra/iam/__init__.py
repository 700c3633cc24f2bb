"""Every IAM document of the product, as pure functions from names and ARNs to statements; no CDK in here.

One module a carrier: :mod:`reader`, :mod:`notifications`, :mod:`log_bucket`, :mod:`key`, :mod:`registration`.
:mod:`infra.iam.policies` puts them together for an environment; stacks, review and tests all take them from there.
"""

from infra.iam.statement import Document, Policy, Statement, document

__all__ = ["Document", "Policy", "Statement", "document"]
