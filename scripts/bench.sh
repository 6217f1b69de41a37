#!/bin/sh
# Runs the benchmark tests/bench/bench.ts with the given arguments. BullMQ comes from npm into the user's cache;
# task-spooler, GNU parallel and rq are included when they are installed (apt: task-spooler parallel python3-rq).
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

BULLMQ_HOME=${BULLMQ_HOME:-$CACHE/bench}
export BULLMQ_HOME
if ! [ -d "$BULLMQ_HOME/node_modules/ioredis" ] && have npm; then
  say "installing BullMQ with npm into $BULLMQ_HOME"
  mkdir -p "$BULLMQ_HOME"
  npm install --prefix "$BULLMQ_HOME" --no-fund --no-audit --loglevel=error bullmq ioredis >&2 ||
    say 'continuing without BullMQ: see the message of npm above'
fi
choose_registry
set -- "$DENO" run -A --quiet --config "$DENO_CONFIG" "$ROOT/tests/bench/bench.ts" "$@"
# a process namespace of its own where possible: whatever ends the benchmark ends its servers too
if unshare --pid --fork --mount-proc --kill-child true 2>/dev/null; then
  set -- unshare --pid --fork --mount-proc --kill-child "$@"
fi
exec "$@"
