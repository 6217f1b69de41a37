#!/bin/sh
# One migration at a time, whatever host and whatever queue it is submitted to: `--limit migrate` needs nothing that is
# set before, since a limit is 1. The jobs run in the order in which they were submitted; those that wait take no slot of
# a runner. Who holds it and who waits: runner limit list
set -eu

state=$(mktemp -d)
trap 'rm -r "$state"' EXIT

# each checks that no other one runs
migration="mkdir $state/running || { echo clash; exit 1; }; echo \$STEP >>$state/order; sleep 0.2; rmdir $state/running"
ids=
for step in 1 2 3; do
  ids="$ids $(runner submit --limit migrate --env STEP=$step --title "migration $step" --timeout 1h "$migration")"
done

# shellcheck disable=SC2086 # several ids
runner wait $ids
cat "$state/order"

# Output:
# 1
# 2
# 3
