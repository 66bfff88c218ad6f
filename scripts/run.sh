#!/bin/sh
# Runs Moeno, after installing Deno and a Vulkan driver if they are missing:
#   sh scripts/run.sh chat
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/scripts/_setup.sh"
setup || exit 1
# No cd: paths in the arguments are the caller's.
exec "$DENO" run -A --config "$root/deno.json" "$root/mod.ts" "$@"
