"""The precision in which a frozen backbone runs: float16 on a GPU, bfloat16 on a CPU that has units for it.

What a machine has decides, not a comparison of speeds: that came out otherwise beside other work, and with it every
byte of the features.
"""

import torch

from depthg.runtime.progress import info

# Tokens of float16 are closer to those of float32 (8 street scenes of 224 px): 1 − cosine is 2.6e-7 on average for the
# demo's ViT and 7e-6 for ResNet-50, against 1.4e-5 and 1e-3 in bfloat16.
ON_GPU = torch.float16


def choose_precision(where: torch.device, *wishes: str | None) -> torch.dtype:
    """The dtype for the weights of a backbone on a device; the user is told if a CPU chooses another one than float32.

    Args:
        where: the device.
        *wishes: names of dtypes, as in the configuration: the first one holds. None and `auto` are no wish.

    Example:
        >>> choose_precision(torch.device("cpu"), "auto", "bfloat16", "float32")
        torch.bfloat16
    """
    named = [name for name in wishes if name not in (None, "auto")]
    if named:
        return getattr(torch, named[0])
    if where.type == "cuda":
        return ON_GPU
    if not has_matrix_units():
        return torch.float32
    info(
        "features in bfloat16: this CPU has matrix units (AMX); `precision: float32` at the backbone is exact"
    )
    return torch.bfloat16


def has_matrix_units() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 in units of their own, as those with AMX.

    With them bfloat16 was 1.6 to 2.5 times as fast as float32; with AVX-512 alone only by a tenth.
    """
    tell = getattr(torch.cpu, "get_capabilities", None)  # an older torch does not tell
    return bool(tell and tell().get("amx_bf16"))
