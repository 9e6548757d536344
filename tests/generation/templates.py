"""Folders of quest templates."""

from pathlib import Path

CONTENT = Path(__file__).parents[2] / "content"


GOOD = """\
template_id: daily-hello
kind: daily
slots:
  giver: {kind: person, otherwise: the baker}
giver: giver
title: A word with {giver}
summary: Go and see {giver}.
offer: Come and see me.
objectives:
  - kind: talk
    target: giver
    text: Say a word to {giver}.
epilogues:
  completed: It was said.
  failed: It was not said.
"""


def folder_with(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "epilogues.yaml").write_text((CONTENT / "quests" / "epilogues.yaml").read_text())
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    return tmp_path
