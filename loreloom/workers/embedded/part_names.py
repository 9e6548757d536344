"""What the parts of the embedded stack are called, for whoever names one without starting it."""

from enum import StrEnum


class PartName(StrEnum):
    """The parts, in the order in which they are needed."""

    POSTGRES = "postgres"
    TEMPORAL = "temporal"
    STRIPE = "stripe"
    VLLM = "vllm"
    WORKER = "worker"
    API = "api"
