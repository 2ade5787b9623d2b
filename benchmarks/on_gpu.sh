#!/usr/bin/env bash
# All that needs a card, in some five minutes on an H100 with 16 cores: results are in benchmarks/results/<card>.md.
#
#   benchmarks/on_gpu.sh WHEELS [OUT]
#
# For a machine without a network that has PyTorch, torchvision, transformers, timm and scikit-learn: WHEELS is a folder
# with wheels of what else depthg imports (zarr, numcodecs, crc32c, faiss-cpu, pydantic, pydensecrf2, lazy-loader, and
# what they need). OUT is where the results go, without .md, instead. What fails is named, and the rest is measured.
set -euo pipefail
wheels=$(realpath "$1")
out=${2:+--out $(realpath -m "$2")}
cd "$(dirname "$0")/.."

site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
python3 -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$wheels"/*.whl
info="$site/depthg-0.dist-info" # depthg runs from here, but asks for its own version
mkdir "$info"
printf 'Metadata-Version: 2.1\nName: depthg\n%s\n' "$(sed -n 's/^version = "\(.*\)"/Version: \1/p' pyproject.toml)" >"$info/METADATA"
export PYTHONPATH="$site:$PWD" PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
python3 -m benchmarks --card $out
