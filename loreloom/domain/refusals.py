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


class Refusal(Exception):
    """An act that the rules do not allow. Nothing has changed."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
