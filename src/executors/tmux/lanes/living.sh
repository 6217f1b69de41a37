# living.sh SPOOL QUESTION [LANE LANE_PID]...
#
# Reports the runs with living processes through the runner's pipe: a line `P QUESTION RUN` for each, then `P QUESTION
# .`. First waits until the processes of the LANEs, whose panes are gone, have ended: from then on their journals do not
# change.
S=$1 question=$2
shift 2
[ -p "$S/done" ] || exit

# Succeeds when a process is that lane, not a later process with the same id.
lane_lives() {
  case $1$2 in '' | *[!0-9]*) return 1 ;; esac
  if [ -r /proc/self/cmdline ]; then
    case $(tr '\0' ' ' <"/proc/$2/cmdline" 2>/dev/null) in *"/bin/lane-"*" $S $1 "*) return 0 ;; esac
    return 1
  fi
  kill -0 "$2" 2>/dev/null
}

rounds=0
while [ $# -ge 2 ]; do
  while lane_lives "$1" "$2"; do
    # a stopped process does not end with its terminal
    [ "$rounds" -lt 20 ] || ! [ -r /proc/self/cmdline ] || kill -KILL "$2"
    # without a reply the runner asks again
    [ "$rounds" -lt 40 ] || exit
    rounds=$((rounds + 1))
    sleep 0.1
  done
  shift 2
done

if [ -r /proc/self/environ ]; then
  # one by one: the last variable of a program that overwrote its environment may have no end
  runs=$(grep -ahzsx 'RUNNER_RUN=[0-9a-f.]*' /proc/[0-9]*/environ 2>/dev/null |
    tr '\0' '\n' | sed 's/^RUNNER_RUN=//' | sort -u)
else
  # no /proc (macOS, BSD): the shell that each lane started last
  runs=
  for file in "$S"/lanes/*/root; do
    root= name=
    [ ! -r "$file" ] || . "$file"
    case $root in '' | *[!0-9]* | 0 | 1) continue ;; esac
    ! kill -0 "$root" 2>/dev/null || runs="$runs $name"
  done
fi
for run in $runs .; do echo "P $question $run"; done 1<>"$S/done"
