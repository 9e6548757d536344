"""The world of the content folder, whose regions a world of the canon `default` has."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from loreloom.content.files import read_model
from loreloom.domain.climate import ClimateName
from loreloom.domain.ids import CanonName
from loreloom.domain.living.content import NO_LIFE


class RegionContent(BaseModel):
    """A region as ``world.yaml`` has it; what else is written of it is for designers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(min_length=1)
    climate: ClimateName | None = None
    sky: str | None = None


class WorldContent(BaseModel):
    """The world that the content describes; what else is written of it is for designers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    canon: CanonName = NO_LIFE.canon
    regions: tuple[RegionContent, ...] = ()


def load_world(content: Path) -> WorldContent | None:
    """The world of ``world.yaml``; ``None`` where there is no such file. Raises ``ContentError``.

    ``content`` is the content folder.
    """
    file = content / "world.yaml"
    return read_model(file, WorldContent) if file.exists() else None


def default_regions(content: Path) -> tuple[str, ...]:
    """The regions that a world of the canon `default` has; none without ``world.yaml``.

    ``content`` is the content folder. Raises ``ContentError``.
    """
    world = load_world(content)
    return tuple(region.name for region in world.regions) if world is not None else ()
