"""The network of Kick Back & Relax: ConvNeXt features and the decoder of Monodepth2 (Godard et al., 2019).

Written from the papers. `rename_published_keys` expects these keys in the published checkpoint: `encoder.…`, named
like timm's ConvNeXt with `features_only`; `decoders.disp.decoder.N.conv.…` for the ten convolutions in order; and
`decoders.disp.decoder.10.…` for the finest of the four outputs. The coarser outputs serve only in training.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn.functional import elu, interpolate

WIDTHS = (256, 128, 64, 32, 16)  # channels at strides 16, 8, 4, 2, 1
PUBLISHED = "decoders.disp.decoder."


class Decoder(nn.Module):
    """Feature maps at strides 4, 8, 16 and 32 → disparity at stride 1.

    Args:
        channels: channels of the feature maps, the finest map first.
    """

    def __init__(self, channels: Sequence[int]):
        super().__init__()
        self.convolutions = nn.ModuleList()
        skips = [*reversed(channels[:-1]), 0, 0]  # no skip connections at strides 2 and 1
        before = channels[-1]
        for width, skip in zip(WIDTHS, skips, strict=True):
            self.convolutions += [_convolution(before, width), _convolution(width + skip, width)]
            before = width
        self.output = _convolution(before, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Disparity [B, 1, H, W] in (0, 1) of maps [B, C, H/4, W/4] … [B, C, H/32, W/32]."""
        pairs = zip(self.convolutions[::2], self.convolutions[1::2], strict=True)
        skips = [*reversed(maps[:-1]), None, None]
        x = maps[-1]
        for (narrow, merge), skip in zip(pairs, skips, strict=True):
            x = interpolate(elu(narrow(x)), scale_factor=2, mode="nearest")
            x = elu(merge(x if skip is None else torch.cat((x, skip), dim=1)))
        return torch.sigmoid(self.output(x))


class KBRNetwork(nn.Module):
    """Images [B, 3, H, W], ImageNet-normalised, sides multiples of 32 → disparity [B, 1, H, W] in (0, 1).

    Args:
        encoder: keyword arguments for timm's convnext_base; the published network uses none.
    """

    def __init__(self, **encoder: Any):
        super().__init__()
        convnext: Any = timm.create_model("convnext_base", features_only=True, pretrained=False, **encoder)
        self.encoder, self.decoder = convnext, Decoder(convnext.feature_info.channels())

    def forward(self, pixels: Tensor) -> Tensor:
        return self.decoder(self.encoder(pixels))


def rename_published_keys(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of the published checkpoint to the names of `KBRNetwork`; drop those of coarser outputs."""
    ours = {}
    for key, value in weights.items():
        if not key.startswith(PUBLISHED):
            ours[key] = value
            continue
        place, _, rest = key.removeprefix(PUBLISHED).partition(".")
        if int(place) < 2 * len(WIDTHS):
            ours[f"decoder.convolutions.{place}.{rest.removeprefix('conv.')}"] = value
        elif int(place) == 2 * len(WIDTHS):
            ours[f"decoder.output.{rest}"] = value
    return ours


def _convolution(channels: int, out: int) -> nn.Conv2d:
    """3 × 3 convolution with reflection padding."""
    return nn.Conv2d(channels, out, kernel_size=3, padding=1, padding_mode="reflect")
