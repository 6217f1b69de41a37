#!/bin/sh
# Runs the long mode of the chaos driver, in a process namespace of its own where possible. Arguments:
# tests/faults/chaos.ts
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

choose_registry
set -- "$DENO" run -A --quiet --config "$DENO_CONFIG" "$ROOT/tests/faults/chaos.ts" "$@"
if unshare --pid --fork --mount-proc --kill-child true 2>/dev/null; then
  # the shell reaps orphans, which the driver does not
  set -- unshare --pid --fork --mount-proc --kill-child sh -c '"$@"; exit $?' sh "$@"
fi
exec "$@"
