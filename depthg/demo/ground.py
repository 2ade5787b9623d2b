"""The ground plane: grass, and roads with pavements."""

from dataclasses import dataclass, replace

import numpy as np

from .classes import GRASS, ROAD
from .ground_materials import Asphalt, Grass, Slabs
from .materials import Material
from .rays import Frame


@dataclass(frozen=True)
class Road:
    """A strip of tarmac or gravel along the frame's y axis.

    Attributes:
        half_width, length: metres from the frame's origin across and along the road, in both directions.
        pavement: width of the slabs beside each edge in metres; 0: none.
        curvature: sideways bend in 1/m.
    """

    frame: Frame
    half_width: float
    surface: Material
    pavement: float = 0.0
    curvature: float = 0.0
    length: float = 400.0

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """World points [3, N] as (lateral, along, height)."""
        local = self.frame.to_local(points)
        local[0] -= np.float32(0.5 * self.curvature) * local[1] ** 2
        return local

    def inside(self, points: np.ndarray, margin: float = 0.0) -> np.ndarray:
        """Whether world points [3, N] lie on the road widened by `margin` metres."""
        lateral, along, _ = self.to_local(points)
        return (np.abs(lateral) < self.half_width + margin) & (np.abs(along) < self.length + margin)

    def at(self, lateral: float, along: float, turn: float = 0.0) -> Frame:
        """A frame on the ground beside the road, its y axis along the road turned by `turn`."""
        bend = 0.5 * self.curvature * along**2
        return self.frame.offset(lateral + bend, along, 0.0, turn - np.arctan(self.curvature * along))


@dataclass(frozen=True)
class Zone:
    """A part of the ground with one material."""

    label: int
    material: Material
    road: Road | None = None

    @property
    def frame(self) -> Frame:
        """The road's frame, or the world."""
        return Frame() if self.road is None else self.road.frame

    def to_local(self, points: np.ndarray) -> np.ndarray:
        """Coordinates in which the material is defined: the road's, or the world's."""
        return points if self.road is None else self.road.to_local(points)

    def normals(self, local: np.ndarray) -> np.ndarray:
        """Straight up, [3, N]."""
        return np.broadcast_to(np.array([[0], [0], [1]], np.float32), local.shape)


@dataclass(frozen=True)
class Ground:
    """The whole ground; its zones are the grass (0), the surface of each road, then the pavement of each road."""

    grass: Grass
    slabs: Slabs
    roads: tuple[Road, ...]

    def zones(self) -> list[Zone]:
        """The zones, by the indices that `zone_index` returns."""
        surfaces = [Zone(ROAD, self._marked(road), road) for road in self.roads]
        pavements = [Zone(ROAD, self.slabs, road) for road in self.roads]
        return [Zone(GRASS, self.grass), *surfaces, *pavements]

    def zone_index(self, points: np.ndarray) -> np.ndarray:
        """Zone of each world point [3, N], int16 [N]; an earlier road covers a later one."""
        index = np.zeros(points.shape[1], np.int16)
        for number, road in reversed(list(enumerate(self.roads, start=1))):
            if road.pavement:
                index[road.inside(points, road.pavement)] = len(self.roads) + number
        for number, road in reversed(list(enumerate(self.roads, start=1))):
            index[road.inside(points)] = number
        return index

    def _marked(self, road: Road) -> Material:
        """The material of a road, without lines where another road meets it."""
        if not isinstance(road.surface, Asphalt):
            return road.surface
        gaps = []
        for other in self.roads:
            if other is not road:
                crossing = road.frame.to_local(other.frame.position[:, None])
                gaps.append((float(crossing[1, 0]), other.half_width + 1.0))
        return replace(road.surface, gaps=tuple(gaps))
