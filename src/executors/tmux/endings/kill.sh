# kill.sh SPOOL LANE LANE_PID RUN REASON GRACE_TENTHS
#
# Stops a run and everything it started: TERM, a pause, then STOP and KILL until nothing is left; the lane goes on.
# REASON is written into SPOOL/jobs/RUN.stop and becomes the run's end; `orphans` only clears up after a lane that is
# gone. The second line of that file is the process id of this script: another one gives way to it as long as it lives.
# Fails when something is left.
#
# What belongs to a run: its shell and the other children of the lane, processes on the lane's terminal, processes whose
# environment carries RUNNER_RUN=RUN, their descendants, and what was found once and still lives. Never: a process older
# than the lane, the lane, its ancestors, this script and its ancestors.
S=$1 lane=$2 lpid=$3 run=$4 reason=$5 grace=$6 self=$$
# every argument is checked: an empty one in a pattern or a process list would match strangers
case $run in '' | *[!0-9a-f.]*) exit 2 ;; esac
case $lane in '' | *[!0-9]*) exit 2 ;; esac
case $lpid in '' | *[!0-9]* | 0 | 1) exit 2 ;; esac
case $grace in '' | *[!0-9]*) exit 2 ;; esac
case $reason in timed_out | cancelled | orphans) ;; *) exit 2 ;; esac
[ -d "$S/jobs" ] || exit 2
J=$S/lanes/$lane/journal stop=$S/jobs/$run.stop LF='
'

# The lane's process is this very lane, not a later process with the same id.
lane_lives() {
  [ -r /proc/self/cmdline ] || { kill -0 "$lpid" 2>/dev/null && return; }
  case $(tr '\0' ' ' <"/proc/$lpid/cmdline" 2>/dev/null) in *"/bin/lane-"*" $S $lane "*) return 0 ;; esac
  return 1
}
begun() {
  # without a journal: what the run's shell has noted
  [ -e "$J" ] || { root_of_run && [ -n "$root" ] && return; }
  case $(tail -n 1 "$J" 2>/dev/null) in "S $run "*" .") return 0 ;; esac
  return 1
}
current() { begun && lane_lives; }

# The process id of the run's shell; nothing when it is not known.
root_of_run() {
  root= name=
  [ ! -r "$S/lanes/$lane/root" ] || . "$S/lanes/$lane/root"
  [ "$name" = "$run" ] || root=
  case $root in *[!0-9]* | 0 | 1) root= ;; esac
}

# Another script is at this run.
given() {
  { read -r old && read -r other; } <"$stop"
  case ${other:=0} in *[!0-9]* | 0 | 1 | "$self") return 1 ;; esac
  [ -r /proc/self/cmdline ] || { kill -0 "$other" && return; }
  case $(tr '\0' ' ' <"/proc/$other/cmdline") in *"/bin/kill-"*" $run "*) return 0 ;; esac
  return 1
}

# Sets `found` to three numbers for each process of the run, its shell first, then by age; the second is its start, the
# last its id.
look() {
  marked=$(grep -lzsxF "RUNNER_RUN=$run" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | tr '\n' ' ')
  mine=0
  if current; then
    mine=1
    tty=$(readlink "/proc/$lpid/fd/0")
    # shellcheck disable=SC2010 # the names are numbers
    [ -z "$tty" ] || marked="$marked $(ls -l /proc/[0-9]*/fd/[012] 2>/dev/null | grep -s -- " -> $tty\$" |
      sed 's|.*/proc/\([0-9]*\)/fd.*|\1|' | tr '\n' ' ')"
  fi
  found=$(cat /proc/[0-9]*/stat 2>/dev/null |
    awk -v marked="$marked" -v known="$known" -v lane="$lpid" -v self="$self" -v mine="$mine" '
    {
      pid = $1; sub(/^.*\) /, "")
      parent[pid] = $2; tty[pid] = $5; born[pid] = $20; dead[pid] = ($1 == "Z" || $1 == "X")
    }
    END {
      for (p = self; (p in parent) && p + 0 > 0; p = parent[p]) spared[p] = 1
      if (mine) for (p = lane; (p in parent) && p + 0 > 0; p = parent[p]) spared[p] = 1
      n = split(marked, m, " "); for (i = 1; i <= n; i++) set[m[i]] = 1
      n = split(known, m, " ")
      for (i = 1; i <= n; i++) { split(m[i], k, ":"); if ((k[1] in born) && born[k[1]] == k[2]) set[k[1]] = 1 }
      if (mine) for (p in parent) if (parent[p] == lane || (tty[p] == tty[lane] && tty[p] + 0 != 0)) set[p] = 1
      do {
        grown = 0
        for (p in parent) if (!(p in set) && (parent[p] in set) && !(parent[p] in spared)) { set[p] = 1; grown = 1 }
      } while (grown)
      for (p in set) {
        if (!(p in parent) || dead[p] || (p in spared) || parent[p] == self || p + 0 <= 1) continue
        if (mine && born[p] + 0 < born[lane] + 0) continue
        print !(mine && parent[p] == lane), born[p], p
      }
    }' | sort -n -k1,1 -k2,2 -k3,3)
}

# Sets `set` to the processes of the run, and adds them to `known` as PID:START.
known=
find_set() {
  look
  # its lane has gone on meanwhile: what was found on the terminal may be the next run
  [ "$mine" = 0 ] || current || look
  set=
  # shellcheck disable=SC2086 # three numbers for each process
  set -- $found
  while [ $# -ge 3 ]; do
    known="$known $3:$2"
    set="$set $3"
    shift 3
  done
}

if [ "$reason" != orphans ]; then
  current || exit 0
  # the first reason stays
  made=1
  set -C
  if ! echo "$reason$LF$self" 2>/dev/null >"$stop"; then
    made= old= other=
    ! given 2>/dev/null || exit 0
    # never shortened: its reader may come at any time
    echo "${old:-$reason}$LF$self        " 2>/dev/null 1<>"$stop"
  fi
  set +C
  # it ended meanwhile, and its files may have been removed
  if ! begun; then
    [ -z "$made" ] || rm -f "$stop"
    exit 0
  fi
fi

if ! [ -r /proc/self/environ ]; then
  # no /proc (macOS, BSD): the process group of the run
  root_of_run
  [ -n "$root" ] || exit
  kill -TERM "-$root"
  sleep $(((grace + 9) / 10))
  begun && kill -KILL "-$root"
  exit
fi

# the run's shell first: it must not go on with its next command when that command's predecessor dies
find_set
# shellcheck disable=SC2086 # a list of process ids
[ -z "$set" ] || kill -TERM $set 2>/dev/null
waited=0
while [ "$waited" -lt "$grace" ]; do
  find_set
  [ -n "$set" ] || exit 0
  # short looks first: most programs go at once
  pause=$((waited / 4 + 1))
  [ "$pause" -le 5 ] || pause=5
  [ $((waited + pause)) -le "$grace" ] || pause=$((grace - waited))
  sleep "0.$pause"
  waited=$((waited + pause))
done
rounds=0
while [ "$rounds" -lt 50 ]; do
  find_set
  [ -n "$set" ] || exit 0
  # stopped first, so that none can start another while the others die
  # shellcheck disable=SC2086
  kill -STOP $set 2>/dev/null
  find_set
  # shellcheck disable=SC2086
  [ -z "$set" ] || kill -KILL $set 2>/dev/null
  rounds=$((rounds + 1))
  sleep 0.02
done
exit 1
