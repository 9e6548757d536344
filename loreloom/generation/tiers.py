"""Tiers of model servers, what they are used for, and the bounds that a call keeps to."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class TierName(StrEnum):
    """A class of model servers: gold is fast and small, silver is larger."""

    GOLD = "gold"
    SILVER = "silver"


class Purpose(StrEnum):
    """What a text is generated for; a probe only asks whether a server is well."""

    QUEST = "quest"
    EPILOGUE = "epilogue"
    TELLING = "telling"
    PROBE = "probe"


PREFERENCE: dict[Purpose, tuple[TierName, ...]] = {
    Purpose.QUEST: (TierName.SILVER, TierName.GOLD),
    Purpose.EPILOGUE: (TierName.GOLD, TierName.SILVER),
    Purpose.TELLING: (TierName.GOLD, TierName.SILVER),
}
"""Which tier is asked first for each purpose of a text."""


class TierModel(BaseModel):
    """Base of the values in this module: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tier(TierModel):
    """One tier and its budgets. Times are seconds.

    ``answer_s`` bounds the wait until a server answers that it has taken a request, which a dead or
    hanging one does not; ``first_token_s`` the wait for its first token and for every later one;
    ``total_s`` the whole call. ``at_once`` calls run against one address, ``reading_at_once`` of
    them before their first token: a server that reads many prompts together makes each of them
    wait for all.
    """

    name: TierName
    urls: tuple[str, ...]
    model: str
    api_key: SecretStr | None = None
    answer_s: float = Field(default=1.2, gt=0)
    first_token_s: float = Field(default=1.8, gt=0)
    total_s: float = Field(default=20.0, gt=0)
    max_tokens: int = Field(default=420, ge=1)
    at_once: int = Field(default=4, ge=1)
    reading_at_once: int = Field(default=2, ge=1)


class Bounds(TierModel):
    """What holds for a call over all tiers. Times are seconds.

    ``silence_s`` is how long a caller waits, from its start, while no server at all has sent a
    token; a tier whose own ``first_token_s`` is longer is waited for once it has answered.
    ``queue_s`` how long it waits for a free place at servers that are busy and well.
    """

    silence_s: float = Field(default=2.6, gt=0)
    queue_s: float = Field(default=12.0, ge=0)
    hope_s: float = Field(default=15.0, ge=0)
    probe_first_s: float = Field(default=0.2, gt=0)
    probe_most_s: float = Field(default=10.0, gt=0)
