"""The tiers of model servers, from the settings."""

from loreloom.generation.tiers import Tier, TierName
from loreloom.workers.settings import Settings


def tiers_of(settings: Settings) -> tuple[Tier, ...]:
    """The tiers that the settings give addresses for."""
    tiers = (
        Tier(
            name=TierName.GOLD,
            urls=settings.gold_urls,
            model=settings.gold_model,
            api_key=settings.gold_api_key,
            answer_s=settings.gold_answer_seconds,
            first_token_s=settings.gold_first_token_seconds,
            total_s=settings.gold_total_seconds,
            max_tokens=settings.gold_max_tokens,
            at_once=settings.gold_at_once,
        ),
        Tier(
            name=TierName.SILVER,
            urls=settings.silver_urls,
            model=settings.silver_model,
            api_key=settings.silver_api_key,
            answer_s=settings.silver_answer_seconds,
            first_token_s=settings.silver_first_token_seconds,
            total_s=settings.silver_total_seconds,
            max_tokens=settings.silver_max_tokens,
            at_once=settings.silver_at_once,
        ),
    )
    return tuple(tier for tier in tiers if tier.urls)
