#!/bin/sh
# Runs all tests, after installing Deno, a Vulkan driver, a browser and a load
# balancer if they are missing:
#   sh scripts/test.sh
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/scripts/_setup.sh"
setup || exit 1
setup_browser
setup_balancer
cd "$root" || exit 1

# The tests run in several parts; the last line counts them together.
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.code" "$log.counts"' EXIT
MOENO_COUNTS=$log.counts
export MOENO_COUNTS
: >"$MOENO_COUNTS"
{
  "$DENO" task test "$@" 2>&1
  echo $? >"$log.code"
} | tee "$log"
"$DENO" task --quiet test:count "$MOENO_COUNTS"
sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
  / passed .*[0-9] failed/ {
    for (i = 2; i <= NF; i++) {
      if ($i == "passed") passed += $(i - 1)
      if ($i == "failed") failed += $(i - 1)
    }
  }
  END { printf "%d passed, %d failed\n", passed, failed }'
exit "$(cat "$log.code")"
