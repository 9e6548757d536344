"""The kinds of chronicle entries that the code tells."""

import re
from pathlib import Path

from loreloom.domain.calendar import DayPart
from loreloom.domain.quest import QuestState

TOLD = (
    r"arc|clock(?!\.game_)|quest|reward|player|world|weather|faction"
    "|market|rumour|life|fact|payment|subscription"
)
"""What the kinds of entries begin with."""


def told_kinds() -> set[str]:
    """Every kind of entry that the code tells, as it stands in the code."""
    root = Path(__file__).parents[2] / "loreloom"
    kinds: set[str] = set()
    for room in ("state", "activities", "workflows", "domain"):
        for file in (root / room).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            kinds |= set(re.findall(rf'"((?:{TOLD})\.[a-z_]+)"', source))
            if 'f"clock.{part}"' in source:
                kinds |= {f"clock.{part}" for part in DayPart}
            if 'f"quest.{after}"' in source:
                kinds |= {f"quest.{s}" for s in (QuestState.EXPIRED, QuestState.FAILED)}
    return kinds
