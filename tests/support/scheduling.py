"""Which tests run in one process, one after another, when a run has several.

xdist's own groups do nothing under pytest 9.2: they are written into a node's name, which pytest
no longer reads.
"""

from xdist.scheduler import LoadScopeScheduling

MODEL = "model"
TOGETHER = {
    # One model server on the cores of all: two tests that ask it at once would wait for each other.
    "tests/generation/test_designer.py": MODEL,
    "tests/quest/test_writing.py": MODEL,
    "tests/stack/test_demo.py": MODEL,
    # Each set shares what takes long to start: a worker and an API, a canon, a browser.
    "tests/docs/test_readme.py": "engine",
    "tests/knowledge/test_ingestion.py": "engine",
    "tests/stack/test_engine.py": "engine",
    "tests/knowledge/test_search.py": "canon",
    "tests/api/test_fuzz.py": "fuzz",
    "tests/console": "console",
}


def group_of(nodeid: str) -> str:
    """The tests with which one runs in one process; its own name where it may run anywhere."""
    file = nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    return TOGETHER.get(file) or TOGETHER.get(folder) or nodeid


class GroupedScheduling(LoadScopeScheduling):
    """Groups with many tests begin first, so that a run does not end waiting for one of them."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
