"""Colours of classes and of clusters."""

from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Patch

from depthg.data.classes import Color
from depthg.data.clusters import Clusters

VOID_COLOR = (225, 225, 225)


@dataclass(frozen=True)
class Palette:
    """Names and RGB colours by class or cluster id; larger ids are light grey, named `void` in the legend."""

    names: tuple[str, ...]
    colors: tuple[Color, ...]
    void: str

    def paint(self, labels: np.ndarray) -> np.ndarray:
        """Colours of ids [...]: RGB uint8 [..., 3]."""
        table = np.array([*self.colors, VOID_COLOR], np.uint8)
        return table[np.minimum(labels, len(self.colors))]

    def legend(self, labels: list[np.ndarray]) -> list[Patch]:
        """Legend entries for the ids that occur in any of the label maps."""
        names, colors = [*self.names, self.void], [*self.colors, VOID_COLOR]
        occurring = sorted({min(int(i), len(self.names)) for maps in labels for i in np.unique(maps)})
        faces = {i: "#{:02x}{:02x}{:02x}".format(*colors[i]) for i in occurring}
        return [Patch(facecolor=faces[i], edgecolor="0.4", linewidth=0.5, label=names[i]) for i in occurring]


def cluster_palette(clusters: Clusters) -> Palette:
    """The names and colours of clusters; beyond them there is nothing."""
    return Palette(clusters.names, clusters.colors, "none")
