"""Any Markdown becomes passages within bounds that hold all of its text, or is refused clearly."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreloom.domain.canon import Rating, Telling
from loreloom.domain.ids import DocumentId
from loreloom.knowledge.decoding import read_text
from loreloom.knowledge.embedding import Embedder
from loreloom.knowledge.models import MAX_DOCUMENT_BYTES
from loreloom.knowledge.parsing import PASSAGE_TOKENS, ParsedDocument, parse_document, plain_heading
from loreloom.knowledge.problems import LoreCode, LoreProblem

MARKDOWN = st.lists(
    st.sampled_from(
        [
            "# Top",
            "## The *Bell*",
            "Setext\n======",
            "A line. Another one! And a third?",
            "- one\n- two\n  - deeper\n- three",
            "1. first\n2. second",
            "| a | b |\n|---|---|\n| c | d |\n| e | f |",
            "```py\nprint(1)\n# no heading\n```",
            "~~~\nnever closed",
            "> quoted\n> twice",
            "    indented code",
            "<div>raw</div>",
            "---",
            "word " * 400,
            "x" * 3000,
            "字" * 500,
        ]
    )
    | st.text(max_size=60),
    max_size=12,
).map("\n\n".join)


def parsed(embedder: Embedder, text: str, name: str = "a.md") -> ParsedDocument:
    return parse_document(text, document_id=DocumentId("doc"), name=name, count=embedder.count)


def letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]", text))


@settings(max_examples=150, deadline=None)
@given(text=MARKDOWN)
def test_passages_hold_all_of_any_text_and_none_is_too_long(embedder: Embedder, text: str) -> None:
    text = text.replace("\r", "\n").replace("\x00", "")
    try:
        document = parsed(embedder, text)
    except LoreProblem:
        assert text.lstrip().startswith("---")
        return
    assert all(p.tokens <= PASSAGE_TOKENS + 2 for p in document.passages)
    assert len({p.passage_id for p in document.passages}) == len(document.passages)
    told = letters(" ".join([*document.headings, *(p.text for p in document.passages)]))
    for line in text.split("\n"):
        for word in line.split()[:5]:
            assert letters(plain_heading(word))[:50] in told


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(embedder: Embedder, raw: bytes) -> None:
    try:
        text = read_text(raw)
        parsed(embedder, text)
    except LoreProblem:
        return
    assert "\x00" not in text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
def test_text_is_read_in_any_common_encoding(encoding: str) -> None:
    text = "# Café Müller\n\nDie Brücke führt über den Fluß; dahinter steht das alte Zollhaus.\n"
    assert read_text(text.encode(encoding)) == text


def test_line_ends_and_nuls_are_mended() -> None:
    assert read_text(b"# A\r\n\r\nb\x00c\r") == "# A\n\nbc\n"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"%PDF-1.7 ...", LoreCode.NOT_MARKDOWN),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), LoreCode.NOT_MARKDOWN),
        (bytes(range(256)) * 8, LoreCode.NOT_TEXT),
        (b"<!DOCTYPE html><html></html>", LoreCode.NOT_MARKDOWN),
        (b"a" * (MAX_DOCUMENT_BYTES + 1), LoreCode.TOO_LARGE),
    ],
)
def test_what_is_no_markdown_is_refused(raw: bytes, code: LoreCode) -> None:
    with pytest.raises(LoreProblem) as refused:
        read_text(raw)
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ("title: x\nentities: [", 3, "no YAML"),
        ("title: x\ntelling: loud", 3, "telling"),
        ("title: x\nentities:\n  - name: Ada\n    kind: dragon", 5, "kind"),
        ("entities:\n  - name: Ada\n    kind: person\n    aliases: Countess", 5, "aliases"),
        (f"entities:\n  - name: Ada\n    kind: person\n    aliases: [{'a' * 201}]", 5, "aliases"),
        ("- a\n- b", 2, "keys"),
        ("sections:\n  A: {teling: secret}", 3, "sections.A.teling"),
    ],
)
def test_wrong_front_matter_is_refused_with_its_line(
    embedder: Embedder, front: str, line: int, said: str
) -> None:
    with pytest.raises(LoreProblem) as refused:
        parsed(embedder, f"---\n{front}\n---\n# A\n")
    assert refused.value.code is LoreCode.BAD_FRONT_MATTER
    assert refused.value.line == line
    assert said in refused.value.message


@pytest.mark.parametrize("before", ["", "\n", "  \n\n"])
@pytest.mark.parametrize("within", ["", "\n"])
def test_blank_lines_do_not_make_front_matter_a_text_for_all(
    embedder: Embedder, before: str, within: str
) -> None:
    front = f"{before}---\n{within}telling: secret\nfact: f"
    (passage,) = parsed(embedder, f"{front}\n---\n# A\n\nHidden.\n").passages
    assert (passage.text, passage.visibility.telling) == ("Hidden.", Telling.SECRET)
    line = front.split("\n").index("telling: secret") + 1
    with pytest.raises(LoreProblem) as refused:
        parsed(embedder, f"{front}\n# A\n\nHidden.\n")
    assert (refused.value.code, refused.value.line) == (LoreCode.BAD_FRONT_MATTER, line)
    with pytest.raises(LoreProblem) as refused:
        parsed(embedder, front.replace("secret", "loud") + "\n---\n# A\n")
    assert refused.value.line == line


@pytest.mark.parametrize("text", ["---\n\nA rule, and another.\n\n---\n", "---\nA rule.\n"])
def test_a_rule_at_the_beginning_is_no_front_matter(embedder: Embedder, text: str) -> None:
    assert "A rule" in parsed(embedder, text).passages[0].text


def test_what_names_a_fact_is_a_secret_unless_it_says_otherwise(embedder: Embedder) -> None:
    rule = "sections:\n  A: {fact: f}\n  B: {telling: rumour}\n"
    seen = parsed(embedder, f"---\n{rule}---\n# A\n\na\n\n# B\n\nb\n\n# C\n\nc\n").passages
    assert [p.visibility.telling for p in seen] == [Telling.SECRET, Telling.RUMOUR, Telling.PUBLIC]
    assert seen[0].visibility.fact == "f"
    (whole,) = parsed(embedder, "---\nfact: f\n---\nText.\n").passages
    assert (whole.visibility.telling, whole.visibility.fact) == (Telling.SECRET, "f")


def test_unknown_keys_and_plain_words_of_yaml_are_taken_as_they_are(embedder: Embedder) -> None:
    quay = "{name: Quay, kind: place, ties: [{to: Bar, as: off}]}"
    front = f"title: 1984\nmood: grim\nentities:\n  - {quay}"
    document = parsed(embedder, f"---\n{front}\n---\ntext\n")
    assert document.title == "1984"
    assert document.front.entities[0].ties[0].label == "off"


def test_a_section_rule_reaches_what_lies_below_it_and_no_further(embedder: Embedder) -> None:
    rules = 'sections:\n  "The cellar": {telling: secret, fact: has_key, rating: mature}'
    text = (
        f"---\n{rules}\n---\n# Inn\n\na\n\n## The *cellar*\n\nb\n\n### Below\n\nc\n\n## Roof\n\nd\n"
    )
    seen = {p.text: p.visibility for p in parsed(embedder, text).passages}
    assert [seen[t].telling for t in "abcd"] == [
        Telling.PUBLIC,
        Telling.SECRET,
        Telling.SECRET,
        Telling.PUBLIC,
    ]
    assert seen["c"].fact == "has_key"
    assert seen["c"].rating is Rating.MATURE


def test_a_heading_is_told_only_with_what_is_as_closed_as_its_section(embedder: Embedder) -> None:
    rules = "  Pell is the Lady: {telling: secret, fact: f}\n  Her shop: {telling: public}\n"
    text = "# Pell is the Lady\n\na\n\n## Her shop\n\nb\n\n## Her veil\n\nc\n\n# Street\n\nd\n"
    document = parsed(embedder, f"---\nsections:\n{rules}---\n{text}")
    assert document.title == "Street"
    assert [p.heading_path for p in document.passages] == [
        ("Pell is the Lady",),
        ("Her shop",),
        ("Pell is the Lady", "Her veil"),
        ("Street",),
    ]
    for passage in document.passages:
        open_to_all = passage.visibility.telling is Telling.PUBLIC
        assert not (open_to_all and any("Pell" in window for window in passage.windows))


def test_a_rule_for_a_heading_that_is_not_there_is_refused(embedder: Embedder) -> None:
    # Otherwise a mistyped heading would tell its secret.
    with pytest.raises(LoreProblem, match="no heading 'Celler'"):
        parsed(embedder, "---\nsections:\n  Celler: {telling: secret}\n---\n# Cellar\n")


def test_a_long_table_keeps_its_header_on_each_part(embedder: Embedder) -> None:
    rows = "\n".join(f"| item {i} | {i} marks and some pence |" for i in range(200))
    document = parsed(embedder, f"# Prices\n\n| what | price |\n|---|---|\n{rows}\n")
    assert len(document.passages) > 3
    assert all(p.text.startswith("| what | price |\n|---|---|\n| item") for p in document.passages)


def test_long_code_keeps_its_fence_and_headings_inside_stay_code(embedder: Embedder) -> None:
    code = "\n".join(f"# step {i} of the ritual" for i in range(300))
    document = parsed(embedder, f"# Rites\n\n```sh\n{code}\n```\n")
    assert document.headings == ("Rites",)
    assert all(p.text.startswith("```sh\n") and p.text.endswith("\n```") for p in document.passages)


@pytest.mark.parametrize(
    ("fenced", "inner"),
    [
        ("````md\n```\n# Inner\n```\n# Inner\n````", ()),
        ("```\n```python\n# Inner\n```", ()),
        ("~~~\n```\n# Inner\n~~~~", ()),
        ("```\n" + "# Inner\n" * 9000 + "```", ()),
        ("- item\n\n  ```\n# Inner", ("Inner",)),
    ],
    ids=["longer", "with words", "other mark", "long", "ended by its list"],
)
def test_a_fence_ends_where_markdown_says(
    embedder: Embedder, fenced: str, inner: tuple[str, ...]
) -> None:
    document = parsed(embedder, f"# Rites\n\n{fenced}\n\n# After\n\nText.\n")
    assert document.headings == ("Rites", *inner, "After")
    assert document.passages[-1].text == "Text."


def test_what_only_looks_like_the_end_of_a_long_fence_stands_in_one_part(
    embedder: Embedder,
) -> None:
    code = "\n".join(f"```{i} of the ritual" for i in range(300))
    document = parsed(embedder, f"````md\n{code}\n")
    assert len(document.passages) > 3
    assert all(p.text.startswith("````md\n```") for p in document.passages)
    assert ["```299" in p.text for p in document.passages].count(True) == 1


HIDDEN = "<!-- Orsolya did it -->"


@pytest.mark.parametrize(
    "text",
    [
        f"Before.\n\n{HIDDEN}\n\nAfter.",
        "Before.\n<!--\nOrsolya did it\n\n# Orsolya\n\n```\n-->\n\nAfter.",
        "Before.\n\n<!--\n" + "# Orsolya\n\n" * 5000 + "-->\n\nAfter.",
        f"Before.{HIDDEN} After.",
        "Before. <!-- Orsolya\ndid it --> After.",
        f"Before.\n\n## After {HIDDEN}\n\nText.",
        f"- Before.\n- {HIDDEN} After.\n  <!--\n  Orsolya\n\n  did it -->\n",
        f"> Before. {HIDDEN}\n> After.",
        f"| Before | After |\n|---|---|\n| a {HIDDEN} | b |",
        f"<div>\nBefore. {HIDDEN}\n</div>\n\nAfter.",
        "Before.\n\nAfter.\n\n<!-- Orsolya did it\n\nOrsolya!",
        "Before.\n\n[//]: # (Orsolya did it)\n\n> [note]: <> (Orsolya)\n\nAfter.",
    ],
)
def test_what_markdown_shows_to_nobody_is_in_no_passage(embedder: Embedder, text: str) -> None:
    document = parsed(embedder, f"# Inn\n\n{text}\n")
    told = " ".join([*document.headings, *(p.text for p in document.passages)])
    assert "Before" in told
    assert "After" in told
    for word in ("Orsolya", "did it", "<!--", "-->"):
        assert word not in told
        assert not any(word in window for p in document.passages for window in p.windows)


def test_what_only_looks_like_a_comment_is_told(embedder: Embedder) -> None:
    text = "An arrow <!-- and no more.\n\n```html\n<!-- an example -->\n```\n\n<!--> Told."
    (passage,) = parsed(embedder, text).passages
    assert passage.text == text.replace("<!-->", "")


def test_a_heading_with_a_comment_is_ruled_by_what_is_shown_of_it(embedder: Embedder) -> None:
    rule = "---\nsections:\n  Cellar: {telling: secret}\n---\n"
    (passage,) = parsed(embedder, f"{rule}# Cellar <!-- hers -->\n\nDark.\n").passages
    assert (passage.heading_path, passage.visibility.telling) == (("Cellar",), Telling.SECRET)
    with pytest.raises(LoreProblem, match="no heading 'Cellar'"):
        parsed(embedder, f"{rule}<!--\n# Cellar\n-->\n\nDark.\n")


def test_five_megabytes_of_prose_are_parsed(embedder: Embedder) -> None:
    sentence = "The ferry does not run on the night of the long frost. "
    text = f"# A\n\n{sentence * (MAX_DOCUMENT_BYTES // len(sentence) - 1)}"
    document = parsed(embedder, read_text(text))
    assert len(document.passages) > 5000
    assert max(p.tokens for p in document.passages) <= PASSAGE_TOKENS + 2


def test_an_empty_document_has_no_passage(embedder: Embedder) -> None:
    assert parsed(embedder, "").passages == ()
    assert parsed(embedder, "\n  \n", "07-the-old_inn.md").title == "the old inn"
