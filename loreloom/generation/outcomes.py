"""How a call to a server can end."""

from enum import StrEnum


class Outcome(StrEnum):
    """How an attempt at a server ended."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    NO_FIRST_TOKEN = "no_first_token"
    STALLED = "stalled"
    TOO_SLOW = "too_slow"
    SERVER_ERROR = "server_error"
    REFUSED = "refused"
    BROKEN_OFF = "broken_off"
    OVER_LENGTH = "over_length"

    @property
    def blames_server(self) -> bool:
        """Whether the server should be left alone until it is well again.

        A refused request (4xx), one that was too long for its budget or that ran out of its
        caller's time says nothing about the next one.
        """
        return self not in {
            Outcome.OK,
            Outcome.REFUSED,
            Outcome.TOO_SLOW,
            Outcome.OVER_LENGTH,
        }
