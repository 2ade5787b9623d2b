"""The guidance schedule: depth leads at first and then lets go (Sec. 3.5)."""

from depthg.config import Term, TrainSettings


def guided(settings: TrainSettings, step: int) -> dict[str, Term]:
    """The terms in use at a step, counted in batches.

    Weight and shift of the depth term both decay: λ_k = λ_0 γ^⌊k/T⌋ and b_k = b_0 γ^⌊k/T⌋. Terms of weight 0
    are left out, and so is the depth term without a depth loss.
    """
    terms: dict[str, Term] = {name: term for name, term in settings.terms.items() if term.weight > 0}
    depth = terms.pop("depth", None)
    if depth is None or settings.depth_loss == "none":
        return terms
    fade = settings.depth_decay ** (step // settings.depth_every)
    return {**terms, "depth": Term(weight=depth.weight * fade, shift=depth.shift * fade)}
