#!/bin/sh
# The whole benchmark, on a GPU machine without network:
#   sh scripts/gpu/bench.sh [models] [kernels] [load]
# models takes 6 minutes, kernels 3, load 2 and 18 GB of disk under /tmp for a made-up
# checkpoint; all of them where none is named.
set -u
cd "$(dirname -- "$0")/../.."
. scripts/gpu/unpack.sh
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null
moeno() {
  deno run -A --no-check mod.ts "$@"
}
mixtral="bench --synthetic mixtral-8x7b --markdown"

models() {
  echo "== Mixtral-8x7B's size: 128 tokens after a prompt of 16"
  moeno $mixtral --slots 8,5,4,3 --hit-rate .855,.72,.61 --prefetch off

  echo "== the same, decided by the host, and with prefetch"
  moeno $mixtral --slots 5,3 --hit-rate .852,.606 --residency cpu --prefetch off --repeat 1
  moeno $mixtral --slots 5,3 --hit-rate .852,.606 --prefetch next-layer

  echo "== whoever decides, the same answer"
  deno run -A --no-check scripts/gpu/compare_residency.ts

  echo "== prompts, and a long context"
  moeno $mixtral --slots 8,4 --hit-rate .72 --prefetch off --prompt 16,512,2048 --tokens 16 --repeat 2

  moeno $mixtral --slots 8 --prefetch off --prompt 16,4000 --tokens 96 --repeat 2

  echo "== activations of 8 bits"
  moeno $mixtral --slots 8 --prefetch off --activations int8

  echo "== stories-17m: tokens a second"
  for run in "" "" "" "--slots 2" "--slots 2" "--slots 2"; do
    moeno generate --model models/stories-17m-q --temperature 0 --max-tokens 256 \
      $run "Once upon a time" 2>&1 >/dev/null | grep tok/s | sed "s/^/$run /"
  done
}

kernels() {
  echo "== kernels at Mixtral's shapes"
  for suite in decode prefill attention small offload; do
    deno run -A --no-check "bench/${suite}_bench.ts"
  done

  echo "== how kernels best share their work"
  moeno tune --dry-run
}

load() {
  echo "== loading a checkpoint of 18.24 GB from cached files"
  checkpoint=/tmp/moeno/mixtral
  [ -d "$checkpoint" ] || deno run -A --no-check scripts/make_synthetic.ts "$checkpoint"
  deno run -A --no-check bench/load.ts "$checkpoint" --slots 4
}

[ $# -gt 0 ] || set -- models kernels load
for part in "$@"; do "$part"; done
