#!/bin/sh
# The gate: formatting, lint with the house rules, types, documentation, tests. The end-to-end tests run with the
# bundle, in a PATH of only the programs that scripts/bare.sh names. They run again with the binary where it can be
# compiled. All other tests run the program from source. Ends with the line `N passed, N failed`.
#
#   ok.sh                    everything
#   ok.sh check              one stage: fmt, lint, check, doc or test
#   ok.sh test tests/domain  arguments after the stage are for `deno test`
#
# A failed stage counts as one failure besides those of the tests. The other stages still run, to show all failures.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

stage=${1:-all}
[ $# -eq 0 ] || shift
case $stage in
  all | fmt | lint | shell | check | doc | test) ;;
  *) die "Cannot run the stage $stage: there are fmt, lint, shell, check, doc, test and all" ;;
esac

# without this, a script that ends early by an error or a signal would not print its last line
summary='0 passed, 1 failed'
report=
# all failures, which are printed again at the end, where they are noticed
failures=$(mktemp)
finish() {
  code=$?
  if [ -s "$failures" ]; then
    say '== what failed'
    cat "$failures" >&2
  fi
  rm -f "$failures" ${report:+"$report"}
  echo "$summary"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

choose_registry
say_registry
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
    echo "failed: the stage $name" >>"$failures"
  }
}

# Those of src begin with no #!: the shell of a lane reads them. Each such shell knows `ulimit -S` (3045) and `[ -ef ]`
# (3013); variables that a run's own script sets (2154, 1090) and `a= b=` (1007) are meant so.
# shellcheck disable=SC2046 # the project's file names have no spaces
check_shell() {
  have shellcheck || die "Cannot check the shell scripts: there is no shellcheck; run scripts/install.sh --for-tests"
  shellcheck --severity=warning -x --source-path="$scripts" \
    $(grep -rlsE '^#!/bin/(ba)?sh' scripts examples .ci) || return
  [ ! -d src ] || [ -z "$(find src -name '*.sh')" ] ||
    shellcheck --severity=warning --shell=sh --exclude=SC1007,SC1090,SC2154,SC3013,SC3045 $(find src -name '*.sh') ||
    return
  [ ! -d src ] || [ -z "$(find src -name '*.bash')" ] || shellcheck --severity=warning $(find src -name '*.bash')
}

# shellcheck disable=SC2046 # the project's file names have no spaces
check_types() { "$DENO" check --quiet --config "$DENO_CONFIG" $(sources); }

# checks the examples in doc comments and in the README, and that public types refer to public ones only
# shellcheck disable=SC2046
check_documentation() {
  "$DENO" check --quiet --doc-only --config "$DENO_CONFIG" $(sources | grep '^./src/') &&
    "$DENO" check --quiet --doc-only --config "$DENO_CONFIG" README.md &&
    "$DENO" doc --lint --quiet src/mod.ts main.ts >/dev/null # 2.4 has no --config here
}

step fmt "$DENO" fmt --check --config deno.json
step lint "$DENO" lint --quiet --config deno.json
step shell check_shell
step check check_types
step doc check_documentation

# A test that leaks fails. Older versions check for leaks by default and do not have the flags.
sanitizers=
case $("$DENO" test --help) in *--sanitize-ops*) sanitizers='--sanitize-ops --sanitize-resources' ;; esac

# in_nothing COMMAND...: runs it in an environment of only PATH and what the tests themselves need
in_nothing() {
  cache=$("$DENO" info --json | sed -n 's/^ *"denoDir": "\(.*\)",$/\1/p')
  env -i PATH="$PATH" DENO_DIR="$cache" RUNNER_BIN="$RUNNER_BIN" \
    RUNNER_REGISTRY="$RUNNER_REGISTRY" "$@"
}

# in_bare COMMAND...: runs it with only the programs of every Debian and those that install.sh installs
in_bare() { PATH=$ROOT/dist/bare "$@"; }

# the stage `check` has checked the types of all files
if [ "$stage" = all ]; then check=--no-check; else check=; fi

# run_tests FILE_OR_FOLDER_OR_FLAG...: adds to passed and failed; if `inside` is set, that function starts the tests
inside=
passed=0
failed=0
run_tests() {
  report=$(mktemp)
  test_code=0
  # shellcheck disable=SC2086 # flags or none; one function or none
  $inside "$DENO" test --quiet -A $check --v8-flags=--expose-gc $sanitizers \
    --config "$DENO_CONFIG" --junit-path="$report" "$@" >&2 || test_code=$?
  counts=$("$scripts/summary.sh" 0 "$report" "$test_code" 2>>"$failures") || true
  rm -f "$report"
  report=
  passed=$((passed + ${counts%% *}))
  counts=${counts#*, }
  failed=$((failed + ${counts%% *}))
}

# Tests that measure time or memory, or count the sockets of their process: other tests at the same time would change
# their results.
MEASURING='tests/faults/resources_test.ts tests/faults/large_test.ts tests/redis/link_sockets_test.ts'

# run_all_tests [FOLDER]: runs all tests but those of this folder. Most tests spend most of their time waiting, so three
# files run at the same time. Those that measure run alone, after the others.
DENO_JOBS=${DENO_JOBS:-3}
export DENO_JOBS
run_all_tests() {
  without=${1-}
  measuring=
  for path in $MEASURING; do
    if [ -e "$path" ]; then measuring="$measuring $path"; fi
  done
  # shellcheck disable=SC2086 # paths without spaces
  set -- $measuring
  ignored=$(
    IFS=,
    set -- "$@" ${without:+"$without"}
    echo "$*"
  )
  run_tests --parallel ${ignored:+--ignore="$ignored"} tests
  if [ $# -gt 0 ]; then run_tests "$@"; fi
}

# as_form NAME PROGRAM: starts the end-to-end tests with a form of the program, if it could be built
forms=
as_form() {
  [ -x "$2" ] || return 0
  forms="$forms $1"
  (
    passed=0
    failed=0
    RUNNER_BIN=$2
    export RUNNER_BIN
    # The longest has a name near the end of the alphabet: in this order it does not run alone at the end.
    # shellcheck disable=SC2046,SC2086 # a flag or none; paths without spaces
    run_tests $side_by_side $(find tests/e2e -name '*_test.ts' | sort -r) 2>"dist/$1.log"
    echo "$passed $failed" >"dist/$1.counts"
  ) &
}

# end_forms: waits for them; one that wrote no counts has failed
end_forms() {
  wait
  for form in $forms; do
    say "== test with the $form"
    cat "dist/$form.log" >&2
    counts=$(cat "dist/$form.counts" 2>/dev/null) || counts='0 1'
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    rm -f "dist/$form.log" "dist/$form.counts"
  done
}

# as an executable, because RUNNER_BIN must be one
bundle_program() {
  "$scripts/bundle.sh" >&2 && printf '#!/bin/sh\nexec "%s" run --quiet --no-config %s "%s" "$@"\n' \
    "$DENO" "$(permission_flags | tr '\n' ' ')" "$ROOT/dist/runner.js" >dist/js-runner && chmod +x dist/js-runner
}

test_all() {
  say "== test"
  # the caller requested only some tests, in one form of the program
  if [ $# -gt 0 ]; then
    run_tests "$@"
    return
  fi
  if [ "$stage" = test ] || ! [ -d tests/e2e ]; then
    run_all_tests
    return
  fi
  run_all_tests tests/e2e
  rm -f dist/js-runner dist/runner dist/*.counts
  step bundle bundle_program
  if (find_stub); then step compile compile_program; else say '== no test with the binary: DENORT_BIN names no stub'; fi
  # side by side, because they mostly wait; two forms are two already
  if [ -x "$ROOT/dist/runner" ]; then side_by_side=; else side_by_side=--parallel; fi
  rm -rf dist/bare
  if "$scripts/bare.sh" "$ROOT/dist/bare" --for-tests; then
    inside=in_bare
  else
    say "== the bundle can use all programs of this machine"
  fi
  as_form bundle "$ROOT/dist/js-runner"
  # the form that must need nothing from its environment
  inside=in_nothing
  as_form binary "$ROOT/dist/runner"
  inside=
  end_forms
  rm -rf dist/bare
}

# with the Deno of the stub's version; the tests keep their own
compile_program() (find_stub && "$scripts/compile.sh" >&2)

case $stage in
  all | test)
    test_all "$@"
    failed=$((failed + failed_stages))
    ;;
  *)
    passed=$((1 - failed_stages))
    failed=$failed_stages
    ;;
esac
summary="$passed passed, $failed failed"
[ "$failed" -eq 0 ]
