"""What the rules refuse, as a value with a code, so that nobody decides by a message's text."""

from enum import StrEnum


class RefusalCode(StrEnum):
    """Why the rules refused an act; part of the public API."""

    WRONG_STATE = "wrong_state"
    UNKNOWN_OBJECTIVE = "unknown_objective"
    OBJECTIVE_CLOSED = "objective_closed"
    OBJECTIVE_DONE = "objective_done"
    NOT_BY_PROGRESS = "not_by_progress"
    UNKNOWN_CHOICE = "unknown_choice"
    ALREADY_CHOSEN = "already_chosen"
    CONDITION_UNMET = "condition_unmet"
    TOO_MUCH = "too_much"
    UNKNOWN_ITEM = "unknown_item"
    NO_PRICE = "no_price"
    OUT_OF_STOCK = "out_of_stock"
    UNKNOWN_COUPON = "unknown_coupon"
    COUPON_EXPIRED = "coupon_expired"
    COUPON_EXHAUSTED = "coupon_exhausted"
    COUPON_NOT_FOR_THIS = "coupon_not_for_this"
    ALREADY_OWNED = "already_owned"
    ALREADY_SUBSCRIBED = "already_subscribed"
    PAYMENT_REFUSED = "payment_refused"
    NO_OPEN_GOAL = "no_open_goal"
    CANNOT_MIGRATE = "cannot_migrate"


class Refusal(Exception):
    """An act that the rules do not allow. Nothing has changed."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
