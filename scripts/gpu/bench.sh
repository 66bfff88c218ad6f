#!/bin/sh
# The whole benchmark, on a GPU machine without network, in one call:
#   sh scripts/gpu/bench.sh
set -u
cd "$(dirname -- "$0")/../.."
. scripts/gpu/unpack.sh
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null

echo "== stories-17m: tokens a second"
for model in stories-17m stories-17m-q; do
  ls "models/$model"/*.safetensors >/dev/null 2>&1 || continue
  for run in 1 2 3; do
    deno run -A mod.ts generate --model "models/$model" --temperature 0 \
      --max-tokens 256 "Once upon a time" 2>&1 >/dev/null | sed "s/^/$model /"
  done
done

echo "== decode kernels at Mixtral's shapes"
deno run -A bench/mixtral_shapes.ts
