#!/bin/sh
# summary.sh FAILED_STAGES JUNIT_REPORT TEST_EXIT_CODE: prints `N passed, N failed` from the report of `deno test`.
#
# Exits with 1 when anything failed, and lists on standard error the failed tests with their errors. A test run that
# failed without a failure in its report counts as one: when the report is missing, cut off or empty, or when it does
# not explain the exit code.
set -eu
report=$2
[ -r "$report" ] || report=/dev/null
awk -v stages="$1" -v code="$3" '
  function plain(text) {
    gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text)
    gsub(/&amp;/, "\\&", text)
    return text
  }
  /<testcase / {
    cases++; bad = lines = 0
    test = file = $0
    sub(/.* name="/, "", test); sub(/".*/, "", test)
    sub(/.* classname="/, "", file); sub(/".*/, "", file)
  }
  /<(failure|error)[ >\/]/ { if (!bad) { failed++; print "failed: " plain(file ": " test) >"/dev/stderr" } bad = 1 }
  bad && ++lines < 60 && !/<\/?(testcase|testsuite)/ {
    gsub(/^ *<(failure|error) message="|<\/(failure|error)>$/, "")
    print "  " plain($0) >"/dev/stderr"
  }
  /<skipped/ { skipped++ }
  /<\/testsuites>/ { whole = 1 }
  END {
    passed = cases - failed - skipped
    if (!whole || cases == 0 || (code != 0 && failed == 0)) {
      failed++
      print "failed: the tests did not run to their end, see above (exit code " code ")" >"/dev/stderr"
    }
    failed += stages
    printf "%d passed, %d failed\n", passed, failed
    exit failed > 0
  }
' "$report"
