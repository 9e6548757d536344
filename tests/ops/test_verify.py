"""What a deploy would break is found before it, in recorded histories."""

from loreloom.workers.verifying import read_recorded, verify
from loreloom.workers.worker import WORKFLOWS
from loreloom.workflows.quest import QuestWorkflow
from tests.ops.hasty import QUESTS, HastyQuest


async def test_the_code_as_it_stands_breaks_no_recorded_story() -> None:
    found = await verify(read_recorded(QUESTS), WORKFLOWS)
    assert found
    assert [each for each in found if each.breaks] == []


async def test_a_planted_change_is_found_for_each_story_that_it_breaks() -> None:
    planted = [HastyQuest, *(each for each in WORKFLOWS if each is not QuestWorkflow)]
    (found,) = await verify(read_recorded(QUESTS / "0.1.0" / "completed.json"), planted)
    assert found.breaks is not None
    assert found.workflow_id.startswith("quest/")
    assert found.event_id == 5
