# lane.sh SPOOL LANE LANE_SHELL [SANE [LAST CODE OWED HELD]]
#
# The process of a pane: takes runs, one after the other, and runs each as a process group of its own in the foreground
# of this terminal. A line in the pipe SPOOL/lanes/LANE/in gives it a run: the number of the runner's process, one of
# SPOOL/epochs as long as no later process of the runner is there. What to run says the file SPOOL/lanes/LANE/run, a
# script that tells this program its name and goes on as the payload, for the shell that it names. A line `-NUMBER` asks
# whether all that was sent before has been read, and how the last run ended; `-clean` asks for a clean terminal;
# `-held` asks whether programs of ended runs still have it open.
#
# Start and end go to the journal first, then to the runner's pipe `done`; between two marks on the terminal, and so in
# its log, lies what the run wrote. Which of them is believed when they disagree: README.md. Lives until its pane goes.
# Must do under dash, busybox sh, `mksh -i` and `bash --norc -i`.
#
# LAST, CODE, OWED and HELD are for bash, which begins anew after each run: the last run, its exit code, a record that
# is not in the journal yet, and whether a program of an ended run has the terminal open.
S=$1 K=$2 lane_shell=$3 sane=${4-} last=${5-} code=${6-} owed=${7-} held=${8-} L=$1/lanes/$2

if [ -z "$sane" ]; then
  # typed keys are not echoed into the output, ^S and ^Z do not hold up a lane
  stty -echo -ixon -tostop susp undef || exit
  umask 077
  cd / || exit
  [ -p "$L/in" ] || mkfifo "$L/in" || exit
  # TMUX and TMUX_PANE are no business of a run: `tmux kill-server` in one would end all of them
  # shellcheck disable=SC2086 # a lane shell may have arguments
  exec env -i PATH="$PATH" TERM="$TERM" \
    $lane_shell "$0" "$S" "$K" "$lane_shell" "$(stty -g)"
fi

# caught, not ignored: what a shell ignores its children ignore as well. HUP must end the lane.
trap : INT QUIT TERM
# without the test a spool that was removed would get plain files in the place of its pipes
[ -p "$L/in" ] && [ -p "$S/done" ] || exit
exec 2>/dev/null 3<>"$L/in" 4<>"$S/done" 5>>"$L/journal"
set -m
tty=$(readlink "/proc/$$/fd/0")
ESC=$(printf '\033') SI=$(printf '\017') LF='
'
CSI="${ESC}[" OSC="$ESC]" ST="$ESC\\"
# a builtin in every shell: mksh would start a program for printf
if [ "$(command -v print)" = print ]; then put() { print -nr -- "$1"; }; else put() { printf %s "$1"; }; fi

# Gives the terminal its modes back, and the size that it has: a program may have told the kernel another one. tmux says
# it by where the cursor stands when it is sent too far (3.3 has rows and columns of CSI 18 t the wrong way round).
# Drops what was typed before the answer, for which it waits half a second. No key ends the programs that do it.
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

# Writes a record of 128 bytes into the journal: type, run, code, end mark, between two line feeds. A torn one lacks its
# mark, and spoils no other. Two records, a start and an end, never lie across a border of disk blocks: so the end of a
# run needs no new block. `pad` makes all runs equally long. A journal that was removed is made anew.
note() {
  [ -e "$L/journal" ] || command exec 5>>"$L/journal"
  put "$LF$1 .$LF" >&5
}

# Writes what could not be written before.
settle() {
  [ -z "$owed" ] || note "$owed" || return
  owed=
}

# Whether a program has this terminal open, as one of its first three files, and would write into the output of the next
# run. Looks at the programs that came after the process $1, or at all: most runs start few, and no look at them starts
# another. One that starts meanwhile is looked at as well. Without /proc it cannot be known.
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
      # their numbers began anew, or there were many
      for process in /proc/[0-9]*; do
        ! on_terminal "$process" || return 0
      done
      seen=$now
    fi
    rounds=$((rounds + 1))
  done
  # they come faster than they can be looked at
  return 0
}
# One test is cheaper than three.
on_terminal() {
  # shellcheck disable=SC2166 # no operand is taken for an operator
  [ -e "$1" ] && [ "$1/fd/1" -ef "$tty" -o "$1/fd/2" -ef "$tty" -o "$1/fd/0" -ef "$tty" ] && [ "$1" != "/proc/$$" ]
}

# Ends what is left of a run's process group, and notes the names of its programs: as many as fit into a line of the
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

# Runs it.
work() {
  [ "$clean" = 0 ] || clean
  # an empty screen and an empty history: what the last run showed is not for this one. The line feed in a mark is not
  # shown; as CR LF it tells that the terminal translates
  put "${ESC}c${CSI}3J${OSC}2;$title$ST${OSC}7;$title$ST${OSC}133;C;$run.$secret$LF$ST"
  rc=130 # bash comes no further when it dies of INT
  # it closes our pipes and journal itself: a shell needs a dozen system calls to do it here
  RUNNER_RUN=$run "$shell" "$L/run"
  rc=$?
}

# Ends it: rc is its exit code, or - when not even its shell came to life.
finish() {
  root= name= left=
  # somebody deleted the spool: its code is known all the same
  if ! command . "$L/root"; then
    ! holds '' || held=' held'
    return
  fi
  # never a group that is not surely the run's: -1 would be every process of the machine
  [ "$name" = "$run" ] || root=
  case $root in '' | *[!0-9]* | 0 | 1) rc=- && return ;; esac
  # it stopped itself, or was stopped: it goes on, as nobody else could wake it
  while case $rc in 0 | 147 | 148 | 149 | 150) kill -0 "$root" ;; *) false ;; esac do
    fg %+ >/dev/null
    rc=$?
  done
  # what is left of it would write into the output of the next run
  ! kill -0 "-$root" || end_group
  tries=0
  while holds "$root"; do
    if [ -z "$left" ] || [ "$tries" -ge 20 ]; then
      held=' held'
      return
    fi
    # what was killed has the terminal open until it is dead
    tries=$((tries + 1))
    trap '' INT QUIT
    sleep 0.02
    trap : INT QUIT
  done
}

# Closes open strings, ends its output, and undoes what a program may leave: colours, charset, alternate screen, scroll
# region, mouse and paste modes, insert mode, hidden cursor.
report() {
  put "$ST${OSC}133;D;$rc;$run.$secret$LF$ST${CSI}0m$SI${ESC}(B${ESC})B${CSI}?1047l${ESC}7${CSI}r${ESC}8${CSI}4l${CSI}?7h${CSI}?25h${CSI}?1l${ESC}>${CSI}?1000;1002;1003;1006;2004l${CSI}0 q${OSC}112$ST${OSC}2;idle$ST${OSC}7;idle$ST"
  last=$run code=$rc
  case $rc in ?) rc="  $rc" ;; ??) rc=" $rc" ;; esac
  owed="E $run$pad $rc"
  settle
  put "E $K $run $code ${left:--}$held$LF" >&4
}

read -r secret <"$S/secret"
# written now, so that a full disk cannot keep a run from being noted in its place
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
