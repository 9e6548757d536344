"""Every error that the API answers with: a code, its HTTP status and what it means."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from loreloom.domain.refusals import Refusal, RefusalCode
from loreloom.knowledge.problems import LoreCode

TYPE_PREFIX = "urn:loreloom:error:"


class ErrorCode(StrEnum):
    """What the API itself refuses; refusals of the rules and of the canon have their own codes."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UNKNOWN_WORLD = "unknown_world"
    UNKNOWN_PLAYER = "unknown_player"
    UNKNOWN_QUEST = "unknown_quest"
    UNKNOWN_ARC = "unknown_arc"
    UNKNOWN_REGION = "unknown_region"
    UNKNOWN_CHARACTER = "unknown_character"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    PLAYER_EXISTS = "player_exists"
    NOT_RUNNING = "not_running"
    KEY_REUSED = "key_reused"
    REQUEST_IN_PROGRESS = "request_in_progress"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    BAD_REQUEST = "bad_request"
    INVALID = "invalid"
    TOO_MANY_ACTS = "too_many_acts"
    TOO_MANY_STREAMS = "too_many_streams"
    INTERNAL = "internal"
    DATABASE_UNAVAILABLE = "database_unavailable"
    TEMPORAL_UNAVAILABLE = "temporal_unavailable"
    ACT_UNANSWERED = "act_unanswered"
    UNKNOWN_PAYMENT = "unknown_payment"
    NO_RECEIPT = "no_receipt"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    CHAPTER_UNAVAILABLE = "chapter_unavailable"
    UNKNOWN_EVENT = "unknown_event"
    BAD_SIGNATURE = "bad_signature"
    PAYMENTS_UNAVAILABLE = "payments_unavailable"
    UNKNOWN_WORKFLOW = "unknown_workflow"
    UNKNOWN_STEP = "unknown_step"
    NOTHING_FAILED = "nothing_failed"
    NOT_SKIPPABLE = "not_skippable"
    MOVED_ON = "moved_on"
    SETTLED = "settled"
    PLAYER_OWES = "player_owes"
    UNKNOWN_GENERATION = "unknown_generation"
    UNKNOWN_WHATIF = "unknown_whatif"
    NOT_ASKED = "not_asked"


Code = ErrorCode | RefusalCode | LoreCode


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """The status that a code is answered with, a short title, and what a caller can do."""

    status: int
    title: str
    meaning: str


E, R, L = ErrorCode, RefusalCode, LoreCode

KINDS: Mapping[Code, ErrorKind] = {
    E.UNAUTHENTICATED: ErrorKind(
        401, "No valid key", "Send `Authorization: Bearer KEY` with a key that is in force."
    ),
    E.FORBIDDEN: ErrorKind(
        403, "The key may not do this", "Use a key with one of the scopes that are named."
    ),
    E.NOT_FOUND: ErrorKind(404, "Nothing here", "No route or resource has this address."),
    E.UNKNOWN_WORLD: ErrorKind(404, "No such world", "No world has this id."),
    E.UNKNOWN_PLAYER: ErrorKind(404, "No such player", "The world has no player of this id."),
    E.UNKNOWN_QUEST: ErrorKind(404, "No such quest", "No quest has this id."),
    E.UNKNOWN_ARC: ErrorKind(404, "No such arc", "No story arc has this id."),
    E.UNKNOWN_REGION: ErrorKind(404, "No such region", "The world has no region of this name."),
    E.UNKNOWN_CHARACTER: ErrorKind(
        404, "No such character", "The world's content has no character of this name."
    ),
    E.SETTLED: ErrorKind(
        409,
        "Ops ended the quest",
        "It was ended with an outcome and its compensation; it is neither replayed nor ended anew.",
    ),
    E.PLAYER_OWES: ErrorKind(
        409,
        "Money or goods are on their way",
        "Settle, refund or cancel what the detail names, then erase the player.",
    ),
    E.UNKNOWN_GENERATION: ErrorKind(404, "No such generation", "No text has this id."),
    E.UNKNOWN_WHATIF: ErrorKind(
        404, "No such what-if", "No text was asked for again under this id, or it is kept no more."
    ),
    E.NOT_ASKED: ErrorKind(
        409,
        "Nobody was asked",
        "The words are an arc's own, or of a version that did not keep what they were asked for.",
    ),
    E.METHOD_NOT_ALLOWED: ErrorKind(
        405, "Method not allowed", "The header `Allow` names the methods of this address."
    ),
    E.PLAYER_EXISTS: ErrorKind(
        409, "The player exists", "The world has a player of this id; read it instead."
    ),
    E.NOT_RUNNING: ErrorKind(
        409,
        "The story's process does not run",
        "The process behind this quest was ended from outside; ops must look at it.",
    ),
    E.KEY_REUSED: ErrorKind(
        409,
        "Idempotency key used before",
        "The key came with another request before; use a fresh key for each request.",
    ),
    E.REQUEST_IN_PROGRESS: ErrorKind(
        409,
        "The first request is under way",
        "A request with this idempotency key has no answer yet; repeat after `Retry-After`.",
    ),
    E.BODY_TOO_LARGE: ErrorKind(413, "The body is too large", "The detail names the limit."),
    E.UNSUPPORTED_MEDIA_TYPE: ErrorKind(
        415, "Unsupported media type", "Send the content type that the detail names."
    ),
    E.BAD_REQUEST: ErrorKind(400, "The request cannot be read", "The detail says why."),
    E.INVALID: ErrorKind(
        422, "The request is not valid", "`errors` names each field and what is wrong with it."
    ),
    E.TOO_MANY_ACTS: ErrorKind(
        429,
        "Too many acts at once",
        "Other acts on the same story are under way; repeat the act after `Retry-After`.",
    ),
    E.TOO_MANY_STREAMS: ErrorKind(
        429, "Too many streams", "This server holds no more streams; try again or read pages."
    ),
    E.INTERNAL: ErrorKind(
        500, "A fault of the engine", "A bug, not yours. It is in the log of the API."
    ),
    E.DATABASE_UNAVAILABLE: ErrorKind(
        503, "The database is away", "Repeat the request after `Retry-After`."
    ),
    E.TEMPORAL_UNAVAILABLE: ErrorKind(
        503, "Temporal is away", "Repeat the request after `Retry-After`; an act with its id."
    ),
    E.ACT_UNANSWERED: ErrorKind(
        503,
        "The act has no answer yet",
        "No worker has answered in time. The act may still be taken: repeat it with the same"
        " `action_id`, and it counts once.",
    ),
    R.WRONG_STATE: ErrorKind(
        409, "Not in this state", "The quest's state does not allow the act; read the quest."
    ),
    R.UNKNOWN_OBJECTIVE: ErrorKind(
        409, "No such objective", "The quest has no objective of this id."
    ),
    R.OBJECTIVE_CLOSED: ErrorKind(
        409, "The objective is not open", "Another choice or an earlier objective stands before it."
    ),
    R.OBJECTIVE_DONE: ErrorKind(409, "The objective is done", "It needs no more progress."),
    R.NOT_BY_PROGRESS: ErrorKind(
        409, "Done by a choice", "This objective is done by `choose`, not by `progress`."
    ),
    R.UNKNOWN_CHOICE: ErrorKind(409, "No such choice", "The quest has no choice of this id."),
    R.ALREADY_CHOSEN: ErrorKind(409, "Already chosen", "The player has taken another way."),
    R.CONDITION_UNMET: ErrorKind(
        409,
        "The condition does not hold",
        "The hour, the weather or a fact stands against it; the detail says which.",
    ),
    R.TOO_MUCH: ErrorKind(409, "Too much at once", "The act exceeds what the rules allow."),
    R.NO_OPEN_GOAL: ErrorKind(
        409, "No goal is open", "The arc has no open goal of this name; read the arc."
    ),
    R.CANNOT_MIGRATE: ErrorKind(
        409, "The arc cannot be moved", "Where it stands has no place in the new definition."
    ),
    E.UNKNOWN_PAYMENT: ErrorKind(404, "No such payment", "No payment has this id."),
    E.NO_RECEIPT: ErrorKind(
        404, "No receipt", "A purchase has a receipt once it is paid and delivered."
    ),
    E.CHAPTER_UNAVAILABLE: ErrorKind(
        409, "The chapter cannot be sold", "The content has no arc for it that fits this world."
    ),
    E.UNKNOWN_SUBSCRIPTION: ErrorKind(
        404, "No such subscription", "No subscription has this id; it begins once it is paid."
    ),
    E.UNKNOWN_EVENT: ErrorKind(404, "No such event", "The provider has told of no such event."),
    E.BAD_SIGNATURE: ErrorKind(
        400,
        "The signature does not hold",
        "A webhook must carry the provider's own signature, not older than 300 seconds.",
    ),
    E.PAYMENTS_UNAVAILABLE: ErrorKind(
        503, "Nothing can be bought here", "An operator must set a payment provider."
    ),
    E.UNKNOWN_WORKFLOW: ErrorKind(404, "No such workflow", "No workflow has this id."),
    E.UNKNOWN_STEP: ErrorKind(
        409, "No such step", "The workflow has no step of this name; read its steps."
    ),
    E.NOTHING_FAILED: ErrorKind(
        409,
        "Nothing failed",
        "The workflow goes its way or has ended well. To have it done again all the same, say from"
        " which step, or from the start.",
    ),
    E.NOT_SKIPPABLE: ErrorKind(
        409,
        "The step is not skipped",
        "Only an epilogue and what an arc's beat tells are. Mend what failed and replay it, or end"
        " the quest with a compensation.",
    ),
    E.MOVED_ON: ErrorKind(
        409, "The workflow has moved on", "It was replayed or continued meanwhile; read it again."
    ),
    R.UNKNOWN_ITEM: ErrorKind(409, "Not for sale", "The store has no item of this name."),
    R.NO_PRICE: ErrorKind(
        409, "No price in this currency", "The detail names the currencies that there are."
    ),
    R.OUT_OF_STOCK: ErrorKind(409, "Sold out", "The last one is sold, or is being paid for."),
    R.UNKNOWN_COUPON: ErrorKind(409, "No such coupon", "No coupon has this code."),
    R.COUPON_EXPIRED: ErrorKind(409, "The coupon has expired", "Buy without it."),
    R.COUPON_EXHAUSTED: ErrorKind(
        409, "The coupon is used up", "Its last redemption is taken; buy without it."
    ),
    R.COUPON_NOT_FOR_THIS: ErrorKind(
        409, "The coupon is not for this", "It is for other items or currencies."
    ),
    R.ALREADY_OWNED: ErrorKind(
        409, "Owned already", "The player has this, and it is of no use twice."
    ),
    R.ALREADY_SUBSCRIBED: ErrorKind(
        409, "Subscribed already", "A subscription of the player runs; change its level instead."
    ),
    R.PAYMENT_REFUSED: ErrorKind(
        409, "The provider refuses", "The detail is its code, such as card_declined."
    ),
    L.TOO_LARGE: ErrorKind(413, "The document is too large", "A document may have 5 MiB."),
    L.NOT_TEXT: ErrorKind(422, "Not a text", "The document is binary or of no known encoding."),
    L.NOT_MARKDOWN: ErrorKind(422, "Not Markdown", "The document is of another format."),
    L.BAD_FRONT_MATTER: ErrorKind(
        422, "The front matter is wrong", "The detail names the line and what is wrong there."
    ),
    L.UNKNOWN_DOCUMENT: ErrorKind(404, "No such document", "The canon has no such document."),
    L.UNKNOWN_ENTITY: ErrorKind(404, "No such entity", "The canon has no such entity."),
    L.NAME_TAKEN: ErrorKind(
        409, "The name is taken", "Another entity of the canon has this name; merge them instead."
    ),
    L.BAD_CORRECTION: ErrorKind(
        422, "The correction makes no sense", "The detail says what is wrong with it."
    ),
    L.WRONG_MODEL: ErrorKind(
        503, "The embedding model does not fit", "An operator must set a model that fits."
    ),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field and what is wrong with it; nested fields are joined by dots."""

    field: str
    message: str


class ApiError(Exception):
    """An answer that is an error. ``retry_after`` is in seconds."""

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return KINDS[self.code].status


def invalid(field: str, message: str) -> ApiError:
    """One field is wrong."""
    return ApiError(ErrorCode.INVALID, f"{field}: {message}", errors=[FieldError(field, message)])


@contextmanager
def refused_as_answers() -> Iterator[None]:
    """What the rules refuse is answered with the refusal's code."""
    try:
        yield
    except Refusal as refusal:
        raise ApiError(refusal.code, refusal.message) from refusal
