"""The artifact store: arrays of equal length in one Zarr group, complete only when its writer says so last.

A store is a folder `<name>.zarr` with one Zarr array for each quantity; row i of every array belongs to crop i.
A chunk holds one row, so that a random batch reads just the rows it needs; rows below 64 KB share a chunk, so that a
long store of small rows is not a million files. Beside the arrays lie `fingerprint.json` (what the store was
made from), `progress.json` (finished rows) and, written last, `complete.json`: the file that Snakemake watches.
"""
