#!/bin/sh
# Packs into .carry/ what a GPU machine without network needs to run Moeno: Deno,
# the npm packages, and Debian's Vulkan and OpenGL loaders. unpack.sh is its counterpart.
#   sh scripts/gpu/pack.sh
set -eu
cd "$(dirname -- "$0")/../.."
mkdir -p .carry

if [ ! -e .carry/deno.xz ]; then
  deno=$(deno eval 'console.log(Deno.execPath())')
  xz -T0 -9 -c "$deno" >.carry/deno.xz
fi

# The packages alone, not what Deno has compiled or downloaded besides.
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
DENO_DIR=$cache deno cache --quiet mod.ts tests/*.ts src/*/*_test.ts 2>/dev/null
tar -C "$cache" -cJf .carry/npm.tar.xz npm

if ! ls .carry/libegl1_*.deb >/dev/null 2>&1; then
  # The driver of NVIDIA links against the loaders of OpenGL too.
  (cd .carry && apt-get download libvulkan1 libegl1 libglvnd0 libopengl0 libgl1 \
    libglx0 libgles2 >&2)
fi
du -sh .carry >&2
