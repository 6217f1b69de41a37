# shellcheck shell=sh disable=SC2034,SC2154 # the variables are between this file and the one that sources it
# Functions that the scripts share. A script sets `scripts` to its own folder and sources this file:
#
#   scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
#   . "$scripts/lib.sh"

ROOT=$(dirname "$scripts")
CACHE=${XDG_CACHE_HOME:-${HOME:?is not set, so there is no place for a cache: set it}/.cache}/hero-runner

# the oldest Deno that supports text imports and local links
DENO_MAJOR=2
DENO_MINOR=4

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# is_good_deno PROGRAM: succeeds when it runs and is new enough
is_good_deno() {
  version=$("$1" --version 2>/dev/null | sed -n 's/^deno \([0-9]*\)\.\([0-9]*\)\..*/\1 \2/p')
  [ -n "$version" ] || return 1
  major=${version% *}
  minor=${version#* }
  [ "$major" -gt "$DENO_MAJOR" ] || { [ "$major" -eq "$DENO_MAJOR" ] && [ "$minor" -ge "$DENO_MINOR" ]; }
}

# find_deno: sets and exports DENO; fails when there is no Deno
find_deno() {
  if [ -n "${DENO:-}" ]; then
    is_good_deno "$DENO" ||
      die "Cannot use DENO=$DENO: it is not Deno $DENO_MAJOR.$DENO_MINOR or newer; unset it or name another"
    export DENO
    return 0
  fi
  # the npm package puts its program into one folder or the other, depending on whether npm runs install scripts
  for candidate in deno "$CACHE"/deno/node_modules/deno/deno \
    "$CACHE"/deno/node_modules/@deno/*/deno "$CACHE"/deno/bin/deno; do
    if have "$candidate" && is_good_deno "$candidate"; then
      # a path, because other programs may have another PATH
      DENO=$(command -v "$candidate")
      export DENO
      return 0
    fi
  done
  return 1
}

need_deno() {
  find_deno || die "Cannot find Deno $DENO_MAJOR.$DENO_MINOR or newer: run $ROOT/scripts/install.sh first"
}

# within SECONDS COMMAND...: returns its exit code, or a failure when it runs longer; without output
within() {
  ticks=$(($1 * 10))
  shift
  "$@" >/dev/null 2>&1 </dev/null &
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    if [ "$ticks" -le 0 ]; then kill "$child" 2>/dev/null || true; fi
    ticks=$((ticks - 1))
    sleep 0.1
  done
  wait "$child"
}

# jsr_answers: Deno checks its own cache first, so this is fast where the package was used before, and needs no network.
jsr_answers() { within 3 "$DENO" info --no-config 'jsr:@std/assert@^1.0.19'; }

# choose_registry: chooses the source of the packages. Sets and exports RUNNER_REGISTRY (jsr or npm), and sets
# DENO_CONFIG. RUNNER_REGISTRY forces one. An unreachable JSR is remembered for a day, because a check can last seconds.
choose_registry() {
  need_deno
  # an old Deno trusts only its bundled certificates, and fails behind a proxy that the host trusts
  export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system,mozilla}"
  remembered=$CACHE/registry
  case ${RUNNER_REGISTRY:-} in
    jsr | npm) why='as RUNNER_REGISTRY says' ;;
    '')
      if [ -n "$(find "$remembered" -mtime -1 2>/dev/null)" ]; then
        RUNNER_REGISTRY=npm
        why="JSR did not answer within the last day; RUNNER_REGISTRY=jsr insists"
      elif jsr_answers; then
        RUNNER_REGISTRY=jsr
        why='it answers'
      else
        RUNNER_REGISTRY=npm
        why='JSR does not answer'
        mkdir -p "$CACHE" && : >"$remembered"
      fi
      ;;
    *) die "Cannot use RUNNER_REGISTRY=$RUNNER_REGISTRY: it must be jsr or npm" ;;
  esac
  case $RUNNER_REGISTRY in
    jsr) DENO_CONFIG=$ROOT/deno.json ;;
    npm) DENO_CONFIG=$ROOT/scripts/npm/deno.json ;;
  esac
  export RUNNER_REGISTRY
}

# say_registry: prints the chosen registry, for scripts whose result it may explain; call choose_registry first
say_registry() { say "packages from $RUNNER_REGISTRY ($why)"; }

# permission_flags: prints the rows of scripts/permissions as flags, one per line. Deno 2.4 accepts each flag only once.
permission_flags() {
  echo --no-prompt
  awk '
    /^#/ || NF == 0 { next }
    !($1 in values) { order[++kinds] = $1; values[$1] = "" }
    NF > 1 { values[$1] = values[$1] (values[$1] == "" ? "=" : ",") $2 }
    END { for (i = 1; i <= kinds; i++) print "--allow-" order[i] values[order[i]] }
  ' "$ROOT/scripts/permissions"
}

# For V8: limits the space for new objects to 3 times 4 MiB. V8's default is 48 MiB, with which a runner needs half as
# much memory again after ten thousand jobs.
HEAP_FLAG=--v8-flags=--max-semi-space-size=4

# or_say PATTERN SENTENCE COMMAND...: runs a command quietly. When it fails, exits with the sentence if its messages
# contain the pattern, else with those messages.
or_say() {
  pattern=$1
  sentence=$2
  shift 2
  if messages=$("$@" 2>&1); then return 0; fi
  if printf '%s\n' "$messages" | grep -q "$pattern"; then die "$sentence"; fi
  die "$messages"
}

sha256() { if have sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# find_stub: sets and exports DENO and DENORT_BIN for `deno compile` without a download; fails when DENORT_BIN is not
# set. DENORT_DENO is the Deno of the stub's version, if that differs from the Deno for everything else. It searches no
# folders outside the clone, because the result is executed.
find_stub() {
  [ -n "${DENORT_BIN:-}" ] || return 1
  DENO=${DENORT_DENO:-${DENO:-}}
  find_deno && export DENORT_BIN
}
