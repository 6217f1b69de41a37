#!/bin/sh
# The gate: formatting, lint with the house rules, types, documentation, tests. Ends with the line `N passed, N failed`.
#
#   ok.sh                    everything
#   ok.sh check              one stage: fmt, lint, check, doc or test
#   ok.sh test tests/domain  arguments after the stage are for `deno test`
#
# A stage that fails counts as one failure beside the tests' own; the others still run, so that one round shows all.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

stage=${1:-all}
[ $# -eq 0 ] || shift
case $stage in
  all | fmt | lint | check | doc | test) ;;
  *) die "Cannot run the stage $stage: there are fmt, lint, check, doc, test and all" ;;
esac

# without this a script that ends early, by an error or a signal, would leave the caller without its line
summary='0 passed, 1 failed'
report=
finish() {
  code=$?
  [ -z "$report" ] || rm -f "$report"
  echo "$summary"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

choose_registry
cd "$ROOT"
failed_stages=0

sources() { find . -path './.*' -prune -o -name '*.ts' -print; }

# step NAME COMMAND...
step() {
  name=$1
  shift
  case $stage in all | "$name") ;; *) return 0 ;; esac
  say "== $name"
  "$@" >&2 || {
    failed_stages=$((failed_stages + 1))
    say "== $name failed"
  }
}

# shellcheck disable=SC2046 # the project's file names have no spaces
check_types() { "$DENO" check --quiet --config "$DENO_CONFIG" $(sources); }

# the examples in doc comments, and those in the README
# shellcheck disable=SC2046
check_documentation() {
  "$DENO" check --quiet --doc-only --config "$DENO_CONFIG" $(sources | grep '^./src/') &&
    "$DENO" check --quiet --doc-only --config "$DENO_CONFIG" README.md
}

step fmt "$DENO" fmt --check --config deno.json
step lint "$DENO" lint --quiet --config deno.json
step check check_types
step doc check_documentation

case $stage in
  all | test)
    say "== test"
    report=$(mktemp)
    test_code=0
    "$DENO" test --quiet -A --trace-leaks --config "$DENO_CONFIG" --junit-path="$report" "${@:-tests}" >&2 || test_code=$?
    summary=$("$scripts/summary.sh" "$failed_stages" "$report" "$test_code") || exit 1
    ;;
  *)
    summary="$((1 - failed_stages)) passed, $failed_stages failed"
    [ "$failed_stages" -eq 0 ]
    ;;
esac
