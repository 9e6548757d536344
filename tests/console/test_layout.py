"""Where beats lie in an arc's picture: below what leads to them, and never upon each other."""

from itertools import combinations

from loreloom.api.console.layout import BOX_HEIGHT, BOX_WIDTH, Layout, lay_out


def heights(layout: Layout) -> dict[str, float]:
    return {box.name: box.y for box in layout.boxes}


def test_each_beat_lies_below_all_that_lead_to_it() -> None:
    layout = lay_out("a", {"a": ["b", "d"], "b": ["c"], "c": ["d"], "d": []})
    y = heights(layout)
    assert y["a"] < y["b"] < y["c"] < y["d"]
    assert {(line.start, line.end) for line in layout.lines} == {
        ("a", "b"), ("a", "d"), ("b", "c"), ("c", "d"),
    }  # fmt: skip


def test_a_way_back_and_a_way_to_itself_are_drawn_and_end() -> None:
    layout = lay_out("a", {"a": ["b"], "b": ["a", "b", "c"], "c": []})
    y = heights(layout)
    assert y["a"] < y["b"] < y["c"]
    assert len(layout.lines) == 4


def test_boxes_keep_apart_and_within_the_picture() -> None:
    fan = {"start": [f"way-{n}" for n in range(9)], **{f"way-{n}": ["end"] for n in range(9)}}
    layout = lay_out("start", {**fan, "end": [], "alone": ["end"]})
    for one, other in combinations(layout.boxes, 2):
        apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
        assert apart, (one, other)
    for box in layout.boxes:
        assert 0 <= box.x <= layout.width - BOX_WIDTH
        assert 0 <= box.y <= layout.height - BOX_HEIGHT
