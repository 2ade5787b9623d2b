"""The classes of the demo, their ids and colours, and the largest depth."""

CLASSES: tuple[str, ...] = ("sky", "building", "road", "grass", "tree", "car", "fence")
SKY, BUILDING, ROAD, GRASS, TREE, CAR, FENCE = range(len(CLASSES))

PALETTE: tuple[tuple[int, int, int], ...] = (
    (110, 170, 230),
    (112, 92, 82),
    (132, 96, 132),
    (124, 220, 92),
    (30, 108, 40),
    (40, 60, 200),
    (226, 150, 40),
)

FAR = 80.0  # largest depth in metres, also that of the sky
