"""Depth of the crops: from a network or from files, as values in [0, 1] with far = 1.

`DEPTH_SOURCES` names the class of every kind of source, as `module:class`; a module, and the network library behind
it, is imported only when a source of its kind is asked for. `depthg.stages.depth.source.Source` says what a source is.
"""

# By name in `source`. To add one: a class with what `Source` has (a network: below `HubNetwork`), a line here, a test.
DEPTH_SOURCES = {
    "depth_anything": "depthg.stages.depth.depth_anything:DepthAnything",
    "files": "depthg.stages.depth.files:Files",
    "kbr": "depthg.stages.depth.kbr:KBR",
    "midas": "depthg.stages.depth.midas:Midas",
    "zoedepth": "depthg.stages.depth.zoedepth:ZoeDepth",
}
