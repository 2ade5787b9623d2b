"""The artifact store: Zarr arrays with the same number of rows in one group, and a marker of completion.

A store is a folder `<name>.zarr` with one Zarr array for each quantity; row i of every array belongs to crop i. A chunk
holds one row and its checksum, so that a random batch reads only its own rows; a shard, a file of many chunks, is what
one job writes. Small uncompressed rows share a chunk. Beside the arrays are `fingerprint.json` (provenance of the
store), `progress.json` (number of finished rows, to resume from) and, written last, the marker `complete.json`, which
is the output file of the Snakemake rule.
"""
