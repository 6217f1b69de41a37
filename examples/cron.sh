#!/bin/sh
# What a crontab line should do: submit under an id that says which turn it is, so that a turn happens once although
# several hosts have the same crontab. `runner submit` waits for nothing; what went wrong is in `runner status`.
#
#   0 3 * * *  /path/to/cron.sh
set -eu

turn=report-$(date -u +%Y-%m-%d)
submit() { runner submit --id "$turn" --title 'nightly report' --timeout 1h --retries 2 --backoff 1s..5m 'echo "the report"'; }

first=$(submit)
# another host has the same line in its crontab
second=$(submit 2>/dev/null)
[ "$first" = "$second" ] && echo "one job for two submitters"

runner wait "$turn"
runner logs "$turn"

# Output:
# one job for two submitters
# the report
