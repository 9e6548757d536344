"""Temporal's sandbox, in which tests and replays run workflows.

The worker runs them without it, for speed; here it finds what would make a history ambiguous.
"""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

# The rules are deterministic by construction (tests/house), so they need not be loaded anew for
# every workflow.
SANDBOX = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "loreloom.domain", "loreloom.activities.signatures", "pydantic", "pydantic_core"
    )
)
