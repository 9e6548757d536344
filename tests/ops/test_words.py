"""Every step has words of its own, so that nobody reads an activity's name."""

import re
from pathlib import Path

from loreloom import activities
from loreloom.api.ops.words import ACTIVITIES, TYPES
from loreloom.workers.worker import WORKFLOWS

DEFINED = re.compile(r'activity\.defn\(name="(\w+)"\)')


def test_every_activity_and_every_workflow_has_words() -> None:
    sources = Path(str(activities.__file__)).parent.rglob("*.py")
    named = {name for source in sources for name in DEFINED.findall(source.read_text())}
    assert named == set(ACTIVITIES)
    kinds = {workflow.__name__.removesuffix("Workflow") for workflow in WORKFLOWS}
    assert kinds == set(TYPES)
