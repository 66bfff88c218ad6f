#!/bin/sh
# Runs all tests, after installing Deno and a Vulkan driver if they are missing:
#   sh scripts/test.sh
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/scripts/_setup.sh"
setup || exit 1
cd "$root" || exit 1
exec "$DENO" task test "$@"
