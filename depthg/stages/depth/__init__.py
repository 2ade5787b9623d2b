"""Depth of the crops, predicted by a network or read from files, as values in [0, 1] with far = 1.

`DEPTH_SOURCES` maps each kind of source to its class as `module:class`, so that a module, and the network library it
needs, is imported only when it is used. The interface of a source is `depthg.stages.depth.source.Source`.
"""

# Setting `source` → class that implements `Source` (networks: `Network`). To add one: a class, a line here and in
# SOURCES of depthg.config.sections, a test.
DEPTH_SOURCES = {
    "files": "depthg.stages.depth.files:Files",
    "kbr": "depthg.stages.depth.kbr:KBR",
    "transformers": "depthg.stages.depth.transformers:Transformers",
}
