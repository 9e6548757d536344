"""The story's words for what a history says in its own."""

from collections.abc import Mapping
from typing import Any

from loreloom.api.schemas.ops import StoryKind

TYPES: Mapping[str, StoryKind] = {
    "Quest": StoryKind.QUEST,
    "Arc": StoryKind.ARC,
    "WorldClock": StoryKind.CLOCK,
    "RegionWeather": StoryKind.WEATHER,
    "Ingestion": StoryKind.INGESTION,
    "Payment": StoryKind.PAYMENT,
    "Refund": StoryKind.REFUND,
    "Dispute": StoryKind.DISPUTE,
    "Subscription": StoryKind.SUBSCRIPTION,
    "Reconciliation": StoryKind.RECONCILIATION,
    "Settlement": StoryKind.SETTLEMENT,
    "Erasure": StoryKind.ERASURE,
    "WhatIf": StoryKind.WHATIF,
    "WhatIfSet": StoryKind.WHATIF_SET,
}
"""The kind of each workflow type."""

ACTIVITIES: Mapping[str, str] = {
    "quest_design": "Design the quest from the canon",
    "quest_design_by_template": "Design the quest from a template",
    "quest_look_around": "See what the hour and the weather are",
    "quest_clock": "See how the world's clock goes",
    "quest_record": "Write down where the quest stands",
    "quest_reward": "Grant the reward",
    "quest_epilogue": "Write the epilogue",
    "quest_epilogue_by_template": "Take the epilogue from a template",
    "arc_enter": "Enter a beat",
    "arc_look": "See what is so in the world",
    "arc_ask_quest": "Ask for the beat's quest",
    "arc_change": "Change the world",
    "arc_tell": "Tell the beat's text",
    "arc_tell_own": "Tell the beat's own text",
    "arc_write": "Write what the beat tells",
    "arc_open_goal": "Open the goal",
    "arc_close_goal": "Close the goal",
    "arc_choose": "Write the choice down",
    "arc_move": "Go on by another definition",
    "arc_stop": "Write down that the arc stops",
    "clock_tell": "Tell what time it is",
    "clock_change": "Change the clock",
    "clock_stir_quests": "Let quests with a limit look at the clock",
    "life_live": "Let the world live its day",
    "weather_tell": "Tell the weather",
    "weather_impose": "Make or clear a weather",
    "knowledge_split": "Split the document into passages",
    "knowledge_embed": "Embed the passages",
    "knowledge_publish": "Make the passages readable",
    "knowledge_fail": "Say why the document failed",
    "payment_open": "Open the checkout",
    "payment_look": "Look at the checkout",
    "payment_expire": "Close the checkout, if it is unpaid",
    "payment_call_off": "End the subscription that was not paid",
    "payment_end_unpaid": "End the purchase unpaid",
    "payment_fulfil": "Deliver what was bought",
    "payment_give_up": "Plan to pay back what cannot be delivered",
    "refund_send": "Have the provider pay back",
    "refund_book": "Book the refund",
    "refund_fail": "Say that the provider refuses",
    "payments_reconcile": "Compare the books with the provider's list",
    "subscription_look": "Look at the provider, and book what was charged",
    "subscription_hold": "Keep open what was paid for, for the days of grace",
    "subscription_retry": "Try the charge again",
    "subscription_lapse": "End what was not paid in the days of grace",
    "subscription_change": "Change the subscription's level",
    "subscription_cancel": "Cancel the subscription",
    "dispute_look": "Look at the dispute",
    "dispute_note": "Note how the dispute stands",
    "dispute_hold": "Hold what was bought",
    "dispute_close": "Return it or take it",
    "quest_stop": "End the quest's own process",
    "quest_settle": "End the quest and give the compensation",
    "erasure_rows": "Erase the player's rows",
    "erasure_histories": "Delete the histories",
    "erasure_forget": "Delete what told of the erasure",
    "whatif_ask": "Ask for the text again",
    "whatif_pick": "Find the texts",
    "whatif_compare": "Ask for a text again and count",
}

ACTS: Mapping[str, str] = {
    "accept": "The player takes the offer",
    "abandon": "The player gives the quest up",
    "progress": "The player works on {objective_id} ({amount} sent)",
    "choose": "The way {choice_id} is chosen",
    "cancel": "Somebody cancels it",
    "migrate": "The arc is moved to another definition",
    "change": "A change is asked for",
    "impose": "Somebody makes a weather",
    "clear": "Somebody clears the weather",
}

SIGNALS: Mapping[str, str] = {
    "quest_ended": "A quest of the arc has ended",
    "contributed": "Players have pushed on a goal",
    "look_again": "The world may have changed",
    "provider_said": "The payment provider says something",
}

WORKFLOW_TASK = "workflow_task"
"""The step of a workflow whose own code fails, or that nobody serves."""


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def activity_words(name: str) -> str:
    """What a step does."""
    if name == WORKFLOW_TASK:
        return "Go on with the story"
    return ACTIVITIES.get(name, name.replace("_", " ").capitalize())


def act_words(name: str, argument: object) -> str:
    """What an act is; its argument holds names and numbers only."""
    known = argument if isinstance(argument, dict) else {}
    return ACTS.get(name, name.replace("_", " ").capitalize()).format_map(_Known(known))


def signal_words(name: str) -> str:
    """What a signal says."""
    return SIGNALS.get(name, name.replace("_", " ").capitalize())


def kind_of(workflow_type: str) -> str:
    """The kind of a workflow type, else the type's own name."""
    return TYPES.get(workflow_type, workflow_type.lower())


def type_of(kind: StoryKind) -> str:
    """The workflow type of a kind."""
    return next(name for name, of in TYPES.items() if of is kind)
