"""The artifact store: arrays of equal length in one Zarr group, complete only when its writer says so last."""
