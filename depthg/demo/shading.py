"""Deferred shading: from the nearest hits of a scene to linear colour and labels."""

from dataclasses import dataclass

import numpy as np

from .camera import RayGrid
from .classes import SKY
from .ground import Zone
from .materials import Surface, blend
from .raster import ground_hits, trace_nearest
from .rays import unit
from .scene import Scene
from .shadow import ShadowMap
from .solids import Solid
from .weather import Weather

_UP = np.array([0.0, 0.0, 1.0])
_NOTHING, _GROUND = -1, -2
_HORIZON = 2000.0  # distance in metres at which the sky and endless ground are placed


@dataclass
class Pixels:
    """The hits of all N rays of an image; `across` and `footprint` as in `Surface`."""

    points: np.ndarray
    across: np.ndarray
    footprint: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    label: np.ndarray


def shade(scene: Scene, grid: RayGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear colour float32 [3, H, W], label uint8 [H, W] and t float32 [H, W], infinite for the sky."""
    t, index = trace_nearest(scene.shapes, grid)
    ground = ground_hits(grid)
    index[ground < t] = _GROUND
    t = np.minimum(t, ground)
    directions = np.stack(np.broadcast_arrays(*grid.directions()))
    pixels = _gather(grid, directions, t)
    directions = directions.reshape(3, -1)
    _paint(scene, index.ravel(), pixels)
    colour = _illuminate(scene, pixels, directions, t.ravel())
    sky = np.flatnonzero(index == _NOTHING)
    colour[:, sky] = scene.weather.sky(unit(directions[:, sky]))
    return colour.reshape(3, *t.shape), pixels.label.reshape(t.shape), t


def _gather(grid: RayGrid, directions: np.ndarray, t: np.ndarray) -> Pixels:
    """The pixels at the hits of the rays, still without normals and colours and all labelled sky."""
    t = np.minimum(t, np.float32(_HORIZON))
    footprint = t * np.float32(grid.pixel_size(1.0))
    right, down = grid.lateral(1.0)
    points = grid.origin[0].astype(np.float32)[:, None, None] + t * directions
    return Pixels(
        points=points.reshape(3, -1),
        across=np.stack([right * t, down * t]).reshape(2, -1),
        footprint=footprint.ravel(),
        normals=np.zeros((3, t.size), np.float32),
        albedo=np.zeros((3, t.size), np.float32),
        gloss=np.zeros(t.size, np.float32),
        label=np.full(t.size, SKY, np.uint8),
    )


def _paint(scene: Scene, index: np.ndarray, pixels: Pixels) -> None:
    """Fill normals, albedo, gloss and label, one solid or ground zone after the other."""
    parts: list[Solid | Zone] = [*scene.solids, *scene.ground.zones()]
    on_ground = np.flatnonzero(index == _GROUND)
    index = index.copy()
    index[on_ground] = len(scene.solids) + scene.ground.zone_index(pixels.points[:, on_ground])
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(len(parts) + 1))
    for number in np.flatnonzero(np.diff(bounds)):
        _paint_part(pixels, order[bounds[number] : bounds[number + 1]], parts[number])


def _paint_part(pixels: Pixels, chosen: np.ndarray, part: Solid | Zone) -> None:
    """Paint the chosen pixels, all of one part."""
    local = part.to_local(pixels.points[:, chosen])
    normal = part.normals(local)
    surface = Surface(local, normal, pixels.across[:, chosen], pixels.footprint[chosen])
    pixels.albedo[:, chosen], pixels.gloss[chosen] = part.material.finish(surface)
    pixels.normals[:, chosen] = part.frame.turn_to_world(normal)
    pixels.label[chosen] = part.label


def _illuminate(scene: Scene, pixels: Pixels, directions: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Linear colour [3, N] of painted pixels seen along `directions` [3, N]."""
    weather = scene.weather
    facing = np.maximum(weather.towards_sun.astype(np.float32) @ pixels.normals, 0)
    sun = facing * _sunlit(scene, pixels)
    openness = _openness(scene, pixels.points) * (0.62 + 0.38 * pixels.normals[2])
    colour = pixels.albedo * (sun * weather.sun + openness * weather.ambient)
    glossy = np.flatnonzero(pixels.gloss > 0.01)
    colour[:, glossy] += _reflection(weather, pixels, directions, glossy)
    fog = 1 - np.exp(-weather.haze * np.maximum(t - 4, 0))
    return blend(colour, weather.horizon, fog)


def _reflection(weather: Weather, pixels: Pixels, directions: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The sky mirrored by the chosen glossy pixels, [3, M]; darker for rays mirrored below the horizon."""
    normal, view = pixels.normals[:, chosen], unit(directions[:, chosen])
    cosine = (normal * view).sum(axis=0)
    mirrored = view - 2 * cosine * normal
    fresnel = 0.12 + 0.88 * (1 - np.clip(np.abs(cosine), 0, 1)) ** 4
    sees_sky = 0.35 + 0.65 * np.clip(mirrored[2] * 6 + 0.4, 0, 1)
    return weather.gradient(mirrored) * (pixels.gloss[chosen] * fresnel * sees_sky)


def _sunlit(scene: Scene, pixels: Pixels) -> np.ndarray:
    """Share of sunlight [N] that reaches the pixels."""
    shadow = ShadowMap(scene.shapes, scene.weather.towards_sun, scene.focus, 90.0, 480)
    # Neighbouring rays, which average to one pixel, look at different places of the map.
    nearby = np.round(pixels.across / pixels.footprint) % 2 - np.float32(0.5)
    return shadow.lit(pixels.points, pixels.normals, nearby)


def _openness(scene: Scene, points: np.ndarray) -> np.ndarray:
    """Share of skylight [N] that reaches points: less near the ground, next to or below solids."""
    overhead = ShadowMap(scene.shapes, _UP, scene.focus, 90.0, 200)
    low = np.exp(-np.maximum(points[2], 0) / np.float32(1.2))
    return 1 - np.float32(0.75) * overhead.crowding(points, 0.7) * low
