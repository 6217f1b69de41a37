# lane.sh SPOOL LANE LANE_SHELL [SANE [LAST CODE OWED HELD]]
#
# The process of a pane: executes runs one after the other, each as its own process group in the foreground of this
# terminal. A line in the pipe SPOOL/lanes/LANE/in starts a run. It holds the epoch of the runner's process, whose file
# in SPOOL/epochs exists until a later process of the runner starts. The run itself is in the file SPOOL/lanes/LANE/run.
# That script gives this program the name of the run, and continues as the payload for the shell that it names. A line
# `-NUMBER` asks whether all earlier input has been read, and how the last run ended. `-clean` asks for a clean
# terminal; `-held` asks whether programs of ended runs still have it open.
#
# Start and end are written to the journal first, then to the runner's pipe `done`. The output of the run lies between
# two marks on the terminal, and so in its log. ../README.md says which source counts when they disagree. The lane lives
# until its pane is closed. Must work under dash, busybox sh, `mksh -i` and `bash --norc -i`.
#
# LAST, CODE, OWED and HELD are for bash, which starts anew after each run. They are the last run, its exit code, a
# record that is not in the journal yet, and whether a program of an ended run has the terminal open.
S=$1 K=$2 lane_shell=$3 sane=${4-} last=${5-} code=${6-} owed=${7-} held=${8-} L=$1/lanes/$2

if [ -z "$sane" ]; then
  # typed keys are not echoed into the output; ^S and ^Z do not stop a lane
  stty -echo -ixon -tostop susp undef || exit
  umask 077
  cd / || exit
  [ -p "$L/in" ] || mkfifo "$L/in" || exit
  # a run must not get TMUX and TMUX_PANE: `tmux kill-server` in one would end all runs
  # shellcheck disable=SC2086 # a lane shell may have arguments
  exec env -i PATH="$PATH" TERM="$TERM" \
    $lane_shell "$0" "$S" "$K" "$lane_shell" "$(stty -g)"
fi

# caught, not ignored: children inherit ignored signals. HUP must end the lane.
trap : INT QUIT TERM
# without the test, plain files would replace the pipes of a spool that was removed
[ -p "$L/in" ] && [ -p "$S/done" ] || exit
exec 2>/dev/null 3<>"$L/in" 4<>"$S/done" 5>>"$L/journal"
set -m
tty=$(readlink "/proc/$$/fd/0")
ESC=$(printf '\033') SI=$(printf '\017') LF='
'
CSI="${ESC}[" OSC="$ESC]" ST="$ESC\\"
# a builtin in every shell: mksh would start a program for printf
if [ "$(command -v print)" = print ]; then put() { print -nr -- "$1"; }; else put() { printf %s "$1"; }; fi

# Restores the modes of the terminal and its real size: a program may have set another one in the kernel. tmux reports
# the size as the position of a cursor that is moved too far (3.3 swaps rows and columns of CSI 18 t). Drops what was
# typed before the reply, for which it waits half a second. No key ends the programs that it runs.
clean() {
  trap '' INT QUIT
  stty -icanon -echo min 0 time 5
  put "${ESC}7${CSI}?6l${CSI}999;999H${CSI}6n${CSI}5n${ESC}8"
  size= typed= rounds=0
  while [ "$rounds" -lt 300 ]; do
    before=$typed typed=$(dd bs=4096 count=1)
    [ -n "$typed" ] || break
    case $before$typed in *R"${CSI}0n"*)
      size=$before$typed
      size=${size%%R"${CSI}0n"*}
      size=${size##*"$CSI"}
      break
      ;;
    esac
    rounds=$((rounds + 1))
  done
  set --
  case $size in *[!0-9\;]* | *\;*\;*) ;; ?*\;?*) set -- rows "${size%;*}" cols "${size#*;}" ;; esac
  stty "$@" "$sane"
  trap : INT QUIT
}

# Writes a record of 128 bytes into the journal: type, run, code, end mark, between two line feeds. A torn record lacks
# its mark, and damages no other. Two records, a start and an end, never cross a border of disk blocks: so the end of a
# run needs no new block. `pad` gives all runs the same length. A journal that was removed is created anew.
note() {
  [ -e "$L/journal" ] || command exec 5>>"$L/journal"
  put "$LF$1 .$LF" >&5
}

# Writes the record that could not be written before.
settle() {
  [ -z "$owed" ] || note "$owed" || return
  owed=
}

# Succeeds when a program has this terminal open as one of its first three files: it would write into the output of the
# next run. Checks the programs that started after the process $1, or all programs: most runs start few, and a check
# starts none. Programs that start meanwhile are checked as well. Without /proc it always fails.
holds() {
  seen=$1 rounds=0
  while [ "$rounds" -lt 20 ]; do
    now=
    read -r _ _ _ _ now </proc/loadavg
    case $now in '' | *[!0-9]*) return 1 ;; esac
    case $seen in '' | *[!0-9]*) seen=$((now + 1)) ;; esac
    [ "$now" != "$seen" ] || return 1
    if [ "$now" -gt "$seen" ] && [ $((now - seen)) -le 300 ]; then
      while [ "$seen" -lt "$now" ]; do
        seen=$((seen + 1))
        ! on_terminal "/proc/$seen" || return 0
      done
    else
      # the process numbers have wrapped around, or there are many
      for process in /proc/[0-9]*; do
        ! on_terminal "$process" || return 0
      done
      seen=$now
    fi
    rounds=$((rounds + 1))
  done
  # programs start faster than they can be checked
  return 0
}
# Checks a process. One test is faster than three.
on_terminal() {
  # shellcheck disable=SC2166 # no operand is taken for an operator
  [ -e "$1" ] && [ "$1/fd/1" -ef "$tty" -o "$1/fd/2" -ef "$tty" -o "$1/fd/0" -ef "$tty" ] && [ "$1" != "/proc/$$" ]
}

# Kills what is left of a run's process group, and records the names of its programs: as many as fit into a line of the
# pipe.
end_group() {
  trap '' INT QUIT
  left=$(
    cat /proc/[0-9]*/stat | awk -v group="$root" '{
      name = $0; sub(/^[^(]*\(/, "", name); sub(/\)[^)]*$/, "", name); sub(/^.*\) /, "")
      if ($3 != group || $1 == "Z" || $1 == "X" || ++n > 20) next
      gsub(/[^A-Za-z0-9._-]/, "_", name)
      printf "%s%s", (n > 1 ? "," : ""), name
    }'
  )
  [ -e /proc/self/stat ] || left=unknown
  kill -KILL "-$root"
  trap : INT QUIT
}

# Waits for a run. Its start is written down before the number is looked at: a later process of the runner makes an end
# of the number first and reads the journal then, so that one of the two sees the other, and no run is started twice.
# What cannot be written down is not begun.
take() {
  while :; do
    IFS= read -r epoch <&3 || continue
    case $epoch in
      -clean)
        clean && put "C $K$LF" >&4
        continue
        ;;
      -held)
        [ -z "$held" ] || holds '' || held=
        [ -n "$held" ] || put "F $K$LF" >&4
        continue
        ;;
      -*)
        settle
        put "R $K $epoch $last $code$held$LF" >&4
        continue
        ;;
    esac
    command . "$L/run" || continue
    if ! settle || ! note "S $run$pad    "; then
      put "X $K $run $epoch full$LF" >&4
      continue
    fi
    [ ! -e "$S/epochs/$epoch" ] || return
    last=$run code=x owed="X $run$pad    "
    settle
    put "X $K $run $epoch$LF" >&4
  done
}

# Executes the run.
work() {
  [ "$clean" = 0 ] || clean
  # clears screen and history: this run must not show the last one's. The line feed in a mark is not shown; as CR LF it
  # proves that the terminal translates
  put "${ESC}c${CSI}3J${OSC}2;$title$ST${OSC}7;$title$ST${OSC}133;C;$run.$secret$LF$ST"
  rc=130 # bash comes no further when it dies of INT
  # the run's script closes our pipes and journal: a shell needs a dozen system calls to do it here
  RUNNER_RUN=$run "$shell" "$L/run"
  rc=$?
}

# Completes the run: rc is its exit code, or - when not even its shell started.
finish() {
  root= name= left=
  # the spool was deleted: the exit code of the run is known all the same
  if ! command . "$L/root"; then
    ! holds '' || held=' held'
    return
  fi
  # never signal a group that is not certainly the run's: -1 would be every process of the machine
  [ "$name" = "$run" ] || root=
  case $root in '' | *[!0-9]* | 0 | 1) rc=- && return ;; esac
  # it stopped itself, or was stopped: it is continued, as no other process could wake it
  while case $rc in 0 | 147 | 148 | 149 | 150) kill -0 "$root" ;; *) false ;; esac do
    fg %+ >/dev/null
    rc=$?
  done
  # the rest of its group would write into the output of the next run
  ! kill -0 "-$root" || end_group
  tries=0
  while holds "$root"; do
    if [ -z "$left" ] || [ "$tries" -ge 20 ]; then
      held=' held'
      return
    fi
    # a killed process has the terminal open until it is dead
    tries=$((tries + 1))
    trap '' INT QUIT
    sleep 0.02
    trap : INT QUIT
  done
}

# Writes the end mark and reports the end. Closes open strings, and resets what a program may leave: colours, charset,
# alternate screen, scroll region, mouse and paste modes, insert mode, hidden cursor.
report() {
  put "$ST${OSC}133;D;$rc;$run.$secret$LF$ST${CSI}0m$SI${ESC}(B${ESC})B${CSI}?1047l${ESC}7${CSI}r${ESC}8${CSI}4l${CSI}?7h${CSI}?25h${CSI}?1l${ESC}>${CSI}?1000;1002;1003;1006;2004l${CSI}0 q${OSC}112$ST${OSC}2;idle$ST${OSC}7;idle$ST"
  last=$run code=$rc
  case $rc in ?) rc="  $rc" ;; ??) rc=" $rc" ;; esac
  owed="E $run$pad $rc"
  settle
  put "E $K $run $code ${left:--}$held$LF" >&4
}

read -r secret <"$S/secret"
# written now, so that a full disk cannot prevent a record of a run in its place
[ -e "$L/root" ] || put "root= name=;return$LF" >"$L/root"
put "R $K$LF" >&4
if [ -n "${BASH_VERSION-}" ]; then
  # bash leaves loops and functions when a program in them dies of INT: one run, then a new start
  take
  work
  finish
  report
  # shellcheck disable=SC2086 # a lane shell may have arguments
  exec $lane_shell "$0" "$S" "$K" "$lane_shell" "$sane" "$last" "$code" "$owed" "$held"
fi
while :; do
  take
  work
  finish
  report
done
