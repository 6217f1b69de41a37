# lane.sh SPOOL LANE SHELL LANE_SHELL [SANE [LAST CODE OWED]]
#
# The process of a pane: takes runs, one after the other, and runs each with SHELL as a process group of its own in the foreground
# of this terminal. A line in the pipe SPOOL/lanes/LANE/in gives it a run: the number of the runner's process, one of SPOOL/epochs
# as long as no later process of the runner is there. What to run says the file SPOOL/lanes/LANE/run, a script that tells this
# program its name and goes on as the payload. A line `-NUMBER` asks whether all that was sent before has been read, and how the
# last run ended; `-clean` asks for a clean terminal.
#
# Start and end go to the journal first, then to the runner's pipe `done`; between two marks on the terminal, and so in its log,
# lies what the run wrote. Which of them is believed when they disagree: README.md. Lives until its pane goes. Must do under dash,
# busybox sh, `mksh -i` and `bash --norc -i`.
#
# LAST, CODE and OWED are for bash, which begins anew after each run: the last run, its exit code, and a record that is not in
# the journal yet.
S=$1 K=$2 shell=$3 lane_shell=$4 sane=${5-} last=${6-} code=${7-} owed=${8-} L=$1/lanes/$2

if [ -z "$sane" ]; then
  # typed keys are not echoed into the output, ^S and ^Z do not hold up a lane
  stty -echo -ixon -tostop susp undef || exit
  umask 077
  cd / || exit
  [ -p "$L/in" ] || mkfifo "$L/in" || exit
  # shellcheck disable=SC2086 # a lane shell may have arguments
  exec env -i PATH="$PATH" TERM="$TERM" TMUX="$TMUX" TMUX_PANE="$TMUX_PANE" \
    $lane_shell "$0" "$S" "$K" "$shell" "$lane_shell" "$(stty -g)"
fi

# caught, not ignored: what a shell ignores its children ignore as well. HUP must end the lane.
trap : INT QUIT TERM
# without the test a spool that was removed would get plain files in the place of its pipes
[ -p "$L/in" ] && [ -p "$S/done" ] || exit
exec 2>/dev/null 3<>"$L/in" 4<>"$S/done" 5>>"$L/journal"
set -m
ESC=$(printf '\033') SI=$(printf '\017') LF='
'
CSI="${ESC}[" OSC="$ESC]" ST="$ESC\\"
# a builtin in every shell: mksh would start a program for printf
if [ "$(command -v print)" = print ]; then put() { print -nr -- "$1"; }; else put() { printf %s "$1"; }; fi

# Drops what was typed meanwhile and gives the terminal its modes back. No key ends the programs that do it.
clean() {
  trap '' INT QUIT
  stty -icanon min 0 time 0
  cat >/dev/null
  stty "$sane"
  trap : INT QUIT
}

# Writes a record of 128 bytes into the journal: type, run, code, end mark, between two line feeds. A torn one lacks its mark, and
# spoils no other. Two records, a start and an end, never lie across a border of disk blocks: so the end of a run needs no new
# block. `pad` makes all runs equally long. A journal that was removed is made anew.
note() {
  [ -e "$L/journal" ] || command exec 5>>"$L/journal"
  put "$LF$1 .$LF" >&5
}

# Writes what could not be written before.
settle() {
  [ -z "$owed" ] || note "$owed" || return
  owed=
}

# Waits for a run. Its start is written down before the number is looked at: a later process of the runner makes an end of the
# number first and reads the journal then, so that one of the two sees the other, and no run is started twice. What cannot be
# written down is not begun.
take() {
  while :; do
    IFS= read -r epoch <&3 || continue
    case $epoch in
      -clean)
        clean && put "C $K$LF" >&4
        continue
        ;;
      -*)
        settle
        put "R $K $epoch $last $code$LF" >&4
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
  # the line feed in a mark is not shown; as CR LF it tells that the terminal translates
  put "${OSC}2;$title$ST${OSC}133;C;$run.$secret$LF$ST"
  rc=130 # bash comes no further when it dies of INT
  # it closes our pipes and journal itself: a shell needs a dozen system calls to do it here
  RUNNER_RUN=$run "$shell" "$L/run"
  rc=$?
}

# Ends it: rc is its exit code, or - when not even its shell came to life.
finish() {
  root= name=
  # somebody deleted the spool: its code is known all the same
  command . "$L/root" || return
  # never a group that is not surely the run's: -1 would be every process of the machine
  [ "$name" = "$run" ] || root=
  case $root in '' | *[!0-9]* | 0 | 1) rc=- && return ;; esac
  # it stopped itself, or was stopped: it goes on, as nobody else could wake it
  while case $rc in 0 | 147 | 148 | 149 | 150) kill -0 "$root" ;; *) false ;; esac do
    fg %+ >/dev/null
    rc=$?
  done
  # what is left of its group would write into the output of the next run
  kill -KILL "-$root"
}

# Closes open strings, ends its output, and undoes what a program may leave: colours, charset, alternate screen, scroll region,
# mouse and paste modes, insert mode, hidden cursor.
report() {
  put "$ST${OSC}133;D;$rc;$run.$secret$LF$ST${CSI}0m$SI${ESC}(B${ESC})B${CSI}?1047l${ESC}7${CSI}r${ESC}8${CSI}4l${CSI}?7h${CSI}?25h${CSI}?1l${ESC}>${CSI}?1000;1002;1003;1006;2004l${OSC}2;idle$ST"
  last=$run code=$rc
  case $rc in ?) rc="  $rc" ;; ??) rc=" $rc" ;; esac
  owed="E $run$pad $rc"
  settle
  put "E $K $run $code$LF" >&4
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
  exec $lane_shell "$0" "$S" "$K" "$shell" "$lane_shell" "$sane" "$last" "$code" "$owed"
fi
while :; do
  take
  work
  finish
  report
done
