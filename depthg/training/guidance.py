"""Schedules over steps: decay of the depth guidance (Sec. 3.5) and, as released, of the number of samples."""

from collections.abc import Callable

from depthg.config.settings import Term, TrainSettings


def active_terms(settings: TrainSettings, step: int) -> dict[str, Term]:
    """The active loss terms at step k, counted in batches, with their weights and shifts.

    Weight and shift of the depth term both decay: λ_k = λ_0 γ^⌊k/T⌋ and b_k = b_0 γ^⌊k/T⌋. Terms of weight 0 are
    omitted, and so is the depth term if `depth_loss` is none.
    """
    terms: dict[str, Term] = {name: term for name, term in settings.terms.items() if term.weight > 0}
    depth = terms.pop("depth", None)
    if depth is None or settings.depth_loss == "none":
        return terms
    fade = settings.depth_decay ** (step // settings.depth_every)
    return {**terms, "depth": Term(weight=depth.weight * fade, shift=depth.shift * fade)}


def constant_samples(samples: int, step: int) -> int:
    """The same number of samples at every step."""
    return samples


def released_samples(samples: int, step: int) -> int:
    """As released: N samples in the first batch, then N − 2, N − 3 from batch 1000 and N − 4 from batch 2000."""
    lost = 0 if step == 0 else 2 + (step >= 1000) + (step >= 2000)
    return max(samples - lost, 1)


# Setting `sample_schedule` → function (N = `samples`, step) that returns N at that step; N² tokens are sampled.
SAMPLE_SCHEDULES: dict[str, Callable[[int, int], int]] = {
    "constant": constant_samples,
    "released": released_samples,
}
