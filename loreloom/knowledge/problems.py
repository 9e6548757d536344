"""What the knowledge room refuses, each with a code, so that nobody decides by a message's text."""

from enum import StrEnum


class LoreCode(StrEnum):
    """Why a document, a question or a correction was refused; part of the public API."""

    TOO_LARGE = "too_large"
    NOT_TEXT = "not_text"
    NOT_MARKDOWN = "not_markdown"
    BAD_FRONT_MATTER = "bad_front_matter"
    UNKNOWN_DOCUMENT = "unknown_document"
    UNKNOWN_ENTITY = "unknown_entity"
    NAME_TAKEN = "name_taken"
    BAD_CORRECTION = "bad_correction"
    WRONG_MODEL = "wrong_model"


class LoreProblem(Exception):
    """Something that the knowledge room does not accept. Nothing has changed.

    ``line`` is the line of the document that is wrong, from 1, where one is known.
    """

    def __init__(self, code: LoreCode, message: str, *, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.code = code
        self.message = str(self)
        self.line = line
