"""From bytes to text: encodings, byte-order marks, line ends; what is no Markdown is refused."""

import codecs
import unicodedata

from charset_normalizer import from_bytes
from charset_normalizer.constant import IANA_SUPPORTED
from charset_normalizer.utils import iana_name

from loreloom.knowledge.models import MAX_DOCUMENT_BYTES
from loreloom.knowledge.problems import LoreCode, LoreProblem

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FORMATS = {
    b"%PDF-": "a PDF",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"PK\x03\x04": "a ZIP archive (or an office document)",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an office document",
    b"SQLite format 3\x00": "a SQLite database",
    b"{\\rtf": "a rich text document",
    b"\x7fELF": "a program",
}
_SAMPLE_BYTES = 64 * 1024
_MAX_CONTROL_SHARE = 0.01


def codec_of(charset: str) -> str | None:
    """The codec of that charset; ``None`` for what is no charset of texts.

    Python has codecs that are none: some give no text, and punycode takes hours for a document.
    """
    known = iana_name(charset, strict=False)
    return known if known in IANA_SUPPORTED else None


def read_text(content: bytes | str) -> str:
    """The text of a document, with ``\\n`` line ends and neither byte-order mark nor NUL.

    Raises ``LoreProblem`` if it is above ``MAX_DOCUMENT_BYTES``, another format, or no text.
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise LoreProblem(
            LoreCode.TOO_LARGE,
            f"the document has {len(raw)} bytes; {MAX_DOCUMENT_BYTES} are allowed",
        )
    text = content if isinstance(content, str) else _decode(raw)
    # Postgres text holds no NUL, and a lone surrogate has no UTF-8.
    text = text.removeprefix("\ufeff").replace("\x00", "")
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_what_is_no_markdown(text)
    return text


def _decode(raw: bytes) -> str:
    for magic, what in _OTHER_FORMATS.items():
        if raw.startswith(magic):
            raise LoreProblem(LoreCode.NOT_MARKDOWN, f"this is {what}, not Markdown")
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace")
    unmarked = _unmarked_utf16(raw)
    if unmarked is not None:
        return raw.decode(unmarked, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(raw)


def _unmarked_utf16(raw: bytes) -> str | None:
    # Western text in UTF-16 has a NUL in nearly every second byte.
    sample = raw[:4096]
    if len(sample) < 4 or len(raw) % 2:
        return None
    pairs = len(sample) // 2
    if sample[1::2].count(0) > 0.7 * pairs and sample[0::2].count(0) < 0.1 * pairs:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.7 * pairs and sample[1::2].count(0) < 0.1 * pairs:
        return "utf-16-be"
    return None


def _guess(raw: bytes) -> str:
    if raw.count(b"\x00", 0, _SAMPLE_BYTES) > _MAX_CONTROL_SHARE * min(len(raw), _SAMPLE_BYTES):
        raise LoreProblem(LoreCode.NOT_TEXT, "this is a binary file, not text")
    start = _first_beyond_ascii(raw)
    best = from_bytes(raw[start : start + _SAMPLE_BYTES]).best()
    if best is None:
        raise LoreProblem(LoreCode.NOT_TEXT, "the text's encoding cannot be told; use UTF-8")
    return raw.decode(best.encoding, "replace")


def _first_beyond_ascii(raw: bytes) -> int:
    """Where a sample should start so that it holds what tells the encodings apart."""
    first = next((i for i, byte in enumerate(raw) if byte > 127), 0)
    return max(0, first - _SAMPLE_BYTES // 2)


def _refuse_what_is_no_markdown(text: str) -> None:
    sample = text[:_SAMPLE_BYTES]
    if not sample:
        return
    controls = sum(1 for c in sample if unicodedata.category(c) == "Cc" and c not in "\n\t\f\v")
    if controls + sample.count("\ufffd") > _MAX_CONTROL_SHARE * len(sample) + 4:
        raise LoreProblem(LoreCode.NOT_TEXT, "this is a binary file, not text")
    start = sample.lstrip()[:200].casefold()
    if start.startswith(("<!doctype html", "<html", "<?xml")):
        raise LoreProblem(LoreCode.NOT_MARKDOWN, "this is HTML or XML, not Markdown")
