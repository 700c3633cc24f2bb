"""What goes wrong with a deployment, as one sentence that says what to do. No secret is ever part of it."""

from __future__ import annotations


class DeploymentError(Exception):
    """The deployment cannot go on; the text is the whole message, for people and for CloudFormation's event."""
