#!/bin/sh
# summary.sh FAILED_STAGES JUNIT_REPORT TEST_EXIT_CODE: prints `N passed, N failed` from the report of `deno test`.
#
# Exits 1 when anything failed. A test run that ended badly without saying so in its report counts as one failure:
# without a report, with a report that is cut off or empty, or with an exit code that the report does not explain.
set -eu
report=$2
[ -r "$report" ] || report=/dev/null
awk -v stages="$1" -v code="$3" '
  /<testcase / { cases++; bad = 0 }
  /<(failure|error)[ >\/]/ { if (!bad) failed++; bad = 1 }
  /<skipped/ { skipped++ }
  /<\/testsuites>/ { whole = 1 }
  END {
    passed = cases - failed - skipped
    if (!whole || cases == 0 || (code != 0 && failed == 0)) failed++
    failed += stages
    printf "%d passed, %d failed\n", passed, failed
    exit failed > 0
  }
' "$report"
