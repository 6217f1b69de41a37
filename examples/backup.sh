#!/bin/sh
# A backup every night at three, on whatever host of the runner's name is free. One that still runs is not started
# twice; one that was missed is made up until noon. A mail reports a failure when the runners are started with
#
#   runner run --on-end 'test "$RUNNER_STATE" = finished || mail -s "$RUNNER_TITLE: $RUNNER_ERROR" ops </dev/null'
#
# Running this script again replaces the schedule.
set -eu

runner schedule add backup '0 3 * * *' --tz Europe/Berlin --overlap skip --catch-up 9h \
  --title 'nightly backup' --timeout 2h --retries 2 --backoff 1m..10m --keep 30d \
  'echo done'

# the first one now
id=$(runner schedule run backup)
runner wait "$id"
runner logs "$id"

# when it comes next, and how the last one ended: runner schedule list
runner schedule next backup --count 2 | wc -l | tr -d ' '

# Output:
# done
# 2
