"""Data sets: folders of images, and what is known about them, as images.csv and classes.csv.

`KINDS` names the module of every kind of data set. A module is imported only when a data set of its kind is
indexed; it has one function, `find(root, dataset) -> depthg.datasets.base.Listing`.
"""

KINDS = {
    "folder": "depthg.datasets.folder",
    "demo": "depthg.datasets.rendered",
}
