"""Where the beats of an arc lie in its picture: a layered layout, from the start downwards.

It follows Sugiyama: turn back the ways that lead up, put each beat below all that lead to it, lead
long ways through the layers between, and order each layer by its neighbours. Libraries that do
the same are either not kept up or bring a licence or an engine of their own for this one picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

BOX_WIDTH, BOX_HEIGHT = 170, 40
GAP_X, GAP_Y = 26, 40
MARGIN = 12
SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A beat's box, by its upper left corner."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """A way from beat to beat, as an SVG path."""

    start: str
    end: str
    path: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's size, boxes and lines."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def lay_out(start: str, ways: Mapping[str, Sequence[str]]) -> Layout:
    """Lay out a graph that is given by the ways on from each of its nodes."""
    edges = [(name, to) for name, after in ways.items() for to in dict.fromkeys(after)]
    upward = _upward(start, ways)
    downward = [(b, a) if (a, b) in upward else (a, b) for a, b in edges if a != b]
    depth = _depths(start, list(ways), downward)
    layers, links, chains = _layered(depth, downward)
    _untangle(layers, links)
    places, width = _placed(layers)
    height = len(layers) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
    return Layout(
        width=width,
        height=height,
        boxes=tuple(Box(name, *places[name]) for name in ways),
        lines=tuple(_line(edge, chains, places) for edge in edges),
    )


def _upward(start: str, ways: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """The ways that lead back to a beat that comes before, on a walk from the start."""
    found: set[tuple[str, str]] = set()
    seen: set[str] = set()
    for root in (start, *ways):
        if root in seen:
            continue
        seen.add(root)
        walked = {root}
        stack = [(root, iter(ways[root]))]
        while stack:
            name, rest = stack[-1]
            to = next(rest, None)
            if to is None:
                walked.discard(name)
                stack.pop()
            elif to in walked:
                found.add((name, to))
            elif to not in seen:
                seen.add(to)
                walked.add(to)
                stack.append((to, iter(ways[to])))
    return found


def _depths(start: str, names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The length of the longest way to each beat."""
    depth = dict.fromkeys(names, 0)
    before = {name: sum(to == name for _, to in edges) for name in names}
    ready = sorted((name for name in names if not before[name]), key=lambda n: n != start)
    while ready:
        name = ready.pop(0)
        for to in (end for begin, end in edges if begin == name):
            depth[to] = max(depth[to], depth[name] + 1)
            before[to] -= 1
            if not before[to]:
                ready.append(to)
    return depth


Links = list[tuple[str, str]]
Chains = dict[tuple[str, str], list[str]]


def _layered(
    depth: Mapping[str, int], edges: Sequence[tuple[str, str]]
) -> tuple[list[list[str]], Links, Chains]:
    """The layers, with a waypoint in each layer that a long way passes."""
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, level in depth.items():
        layers[level].append(name)
    links: Links = []
    chains: Chains = {}
    for number, (begin, end) in enumerate(edges):
        chain = [begin]
        for level in range(depth[begin] + 1, depth[end]):
            waypoint = f"\0{number}/{level}"
            layers[level].append(waypoint)
            chain.append(waypoint)
        chain.append(end)
        chains[begin, end] = chain
        links += pairwise(chain)
    return layers, links, chains


def _untangle(layers: list[list[str]], links: Links) -> None:
    """Order each layer by the middle of what its members are linked to."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        order = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
        for level in order:
            fixed = layers[level - 1 if down else level + 1]
            at = {name: n for n, name in enumerate(fixed)}
            middle: dict[str, float] = {}
            for n, name in enumerate(layers[level]):
                near = [
                    at[a if b == name else b]
                    for a, b in links
                    if name in (a, b) and (a if b == name else b) in at
                ]
                middle[name] = sum(near) / len(near) if near else n
            layers[level].sort(key=middle.__getitem__)


def _placed(layers: Sequence[Sequence[str]]) -> tuple[dict[str, tuple[float, float]], float]:
    """The upper left corner of each box or waypoint, and the whole width."""
    widths = [sum(_width(name) + GAP_X for name in layer) - GAP_X for layer in layers]
    whole = max(widths) + 2 * MARGIN
    places: dict[str, tuple[float, float]] = {}
    for level, layer in enumerate(layers):
        x = (whole - widths[level]) / 2
        for name in layer:
            places[name] = (x, MARGIN + level * (BOX_HEIGHT + GAP_Y))
            x += _width(name) + GAP_X
    return places, whole


def _width(name: str) -> float:
    return 6.0 if name.startswith("\0") else BOX_WIDTH


def _line(edge: tuple[str, str], chains: Chains, places: Mapping[str, tuple[float, float]]) -> Line:
    begin, end = edge
    if begin == end:
        x, y = places[begin]
        right, middle = x + BOX_WIDTH, y + BOX_HEIGHT / 2
        loop = f"M{right:.0f} {middle - 8:.0f}c22 -6 22 22 0 16"
        return Line(begin, end, loop)
    chain = chains.get(edge) or list(reversed(chains[end, begin]))
    turned = edge not in chains
    points: list[str] = []
    for one, other in pairwise(chain):
        x1, y1 = _side(one, places, lower=not turned)
        x2, y2 = _side(other, places, lower=turned)
        bend = (y2 - y1) / 2
        if not points:
            points.append(f"M{x1:.0f} {y1:.0f}")
        else:
            points.append(f"L{x1:.0f} {y1:.0f}")
        points.append(f"C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}")
    return Line(begin, end, "".join(points))


def _side(
    name: str, places: Mapping[str, tuple[float, float]], *, lower: bool
) -> tuple[float, float]:
    x, y = places[name]
    return x + _width(name) / 2, y + (BOX_HEIGHT if lower else 0)
