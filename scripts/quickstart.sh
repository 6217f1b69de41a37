#!/bin/sh
# From nothing to the output of a job: installs what is missing, starts a runner with a private Redis in the background,
# runs a first job, and leaves the runner up. Safe to run again: then it only runs the job again.
#
#   quickstart.sh          start
#   quickstart.sh --stop   stop the runner, its Redis and its terminals; queued jobs are kept
#
# Everything that it starts and writes is in one private folder and one tmux server, separate from any other runner.
# shellcheck disable=SC2317 # conditions are passed to wait_for by name
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

state=${XDG_STATE_HOME:-${HOME:?is not set, so there is no place for the state: set it}/.local/state}/hero-runner-quickstart
socket=hero-runner-quickstart
log=$state/runner.log
# the first start also downloads packages
START_LIMIT=120
STOP_LIMIT=20

# command_of PID: prints its command line. Minimal systems and containers have no ps, others no /proc.
if [ -r /proc/self/cmdline ]; then
  command_of() { tr '\0' ' ' <"/proc/$1/cmdline"; }
elif have ps; then
  command_of() { ps -o args= -p "$1"; }
else
  die "Cannot identify the process of the runner: there is neither /proc nor ps; install ps"
fi

# is_up: succeeds when the recorded process is alive and ours: another one with that number does not name our spool
is_up() {
  [ -s "$state/pid" ] && pid=$(cat "$state/pid") || return 1
  case $(command_of "$pid" 2>/dev/null) in *"$state/spool"*) ;; *) return 1 ;; esac
}

stop() {
  if is_up; then
    kill "$pid" 2>/dev/null || true
    wait_for "$STOP_LIMIT" is_down || kill -KILL "$pid" 2>/dev/null || true
    say "stopped the runner (process $pid) and its Redis"
  else
    say "the runner was not running"
  fi
  rm -f "$state/pid"
  # jobs outlive their runner by design; a stop by hand means them too
  if tmux -L "$socket" kill-server 2>/dev/null; then say "ended the terminals of tmux -L $socket"; fi
}

is_down() { ! is_up; }

# wait_for SECONDS COMMAND...: waits until it succeeds; fails at the time limit
wait_for() {
  limit=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$limit" ] || return 1
    sleep 0.25
  done
}

# choose_port: chooses the port once and keeps it, so that a restart finds its queue at the same address.
choose_port() {
  [ -s "$state/port" ] || "$DENO" eval \
    'const l = Deno.listen({ hostname: "127.0.0.1", port: 0 }); console.log(l.addr.port); l.close();' >"$state/port"
  REDIS_URL=127.0.0.1:$(cat "$state/port")
  export REDIS_URL
}

start() {
  say "starting a runner with its own Redis at $REDIS_URL; its log is $log"
  # in a separate session, so that Ctrl-C and the end of this terminal do not reach it
  detached='nohup'
  if have setsid; then detached='setsid'; fi
  "$detached" "$scripts/runner" run --embedded-redis --name quickstart --redis-url "$REDIS_URL" \
    --spool "$state/spool" --tmux-socket "$socket" >"$log" 2>&1 </dev/null &
  echo $! >"$state/pid"
  started=$!
  wait_for "$START_LIMIT" is_ready_or_dead || true
  is_ready || {
    say "Cannot start the runner: it did not become ready; the end of its log:"
    tail -n 20 "$log" >&2
    kill "$started" 2>/dev/null || true
    rm -f "$state/pid"
    exit 1
  }
}

is_ready() { "$scripts/runner" status >/dev/null 2>&1; }

is_ready_or_dead() { ! kill -0 "$started" 2>/dev/null || is_ready; }

case ${1:-} in
  '') ;;
  --stop)
    stop
    exit 0
    ;;
  *) die "Cannot use $1: quickstart.sh takes nothing, or --stop" ;;
esac

"$scripts/install.sh"
choose_registry
say_registry
(umask 077 && mkdir -p "$state")
# independent of the user's own settings
[ -s "$state/config.json" ] || echo '{}' >"$state/config.json"
RUNNER_CONFIG=$state/config.json
RUNNER_NAME=quickstart
RUNNER_NAMESPACE=
export RUNNER_CONFIG RUNNER_NAME RUNNER_NAMESPACE
choose_port
if is_up; then say "the runner is already running (process $pid)"; else start; fi

id=first-job-$(date +%Y%m%d-%H%M%S)-$$
say ''
say "== the output of job $id"
code=0
# shellcheck disable=SC2016 # the job expands it
"$scripts/runner" submit --id "$id" --executor tmux.main --title 'first job' --follow '
for part in one two three; do
  echo "part $part"
  sleep 0.5
done
echo "done on $(uname -n)"
' || code=$?
say ''
say "== the status of that job (exit code $code)"
"$scripts/runner" status "$id"

say "
The runner stays up. From here:

  status   $scripts/runner status --redis-url $REDIS_URL
  submit   $scripts/runner submit --redis-url $REDIS_URL --name quickstart --follow 'date'
  attach   tmux -L $socket attach -t main      (Ctrl-b d leaves it)
  stop     $scripts/quickstart.sh --stop"
exit "$code"
