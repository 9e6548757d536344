"""Worker roles and their task queues: a tier is a queue of its own, so that it scales alone."""

from enum import StrEnum

DEFAULT_QUEUE_PREFIX = "loreloom"


class Role(StrEnum):
    """What a worker does."""

    STORY = "story"
    GOLD = "gold"
    SILVER = "silver"
    KNOWLEDGE = "knowledge"


def queue_of(role: Role, prefix: str = DEFAULT_QUEUE_PREFIX) -> str:
    """The task queue of a role."""
    return f"{prefix}-{role}"


def sibling_queue(own_queue: str, role: Role) -> str:
    """The queue of another role under the same prefix as a given queue."""
    return queue_of(role, own_queue.rpartition("-")[0])
