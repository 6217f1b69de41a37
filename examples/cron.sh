#!/bin/sh
# A script for a crontab line: the id of the job contains the date, so that the job runs only once although several
# hosts have the same crontab. `runner submit` does not wait; `runner status` shows failures.
#
#   0 3 * * *  /path/to/cron.sh
set -eu

id=report-$(date -u +%Y-%m-%d)
submit() { runner submit --id "$id" --title 'nightly report' --timeout 1h --retries 2 --backoff 1s..5m 'echo "the report"'; }

first=$(submit)
# another host has the same line in its crontab
second=$(submit 2>/dev/null)
[ "$first" = "$second" ] && echo "one job for two submitters"

runner wait "$id"
runner logs "$id"

# Output:
# one job for two submitters
# the report
