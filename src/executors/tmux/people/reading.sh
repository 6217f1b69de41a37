# reading.sh SPOOL SURVEY LANE:LANE_PID...
#
# Reports the lanes that wait for typed input: `W SURVEY LANE` for each, then `W SURVEY .`, in the runner's pipe `done`.
# A lane waits when a program in the foreground of its terminal reads from the terminal. It also waits when such a
# program polls the terminal, and neither a socket nor another terminal.
#
# On Linux, /proc/PID/syscall names the system call in which a thread sleeps. Where that is not readable (Yama, another
# user without rights), /proc/PID/wchan gives less information. There a program counts only when its files leave no
# doubt. Without /proc no lane counts as waiting.
S=$1 look=$2
shift 2
# a redirection alone would create a plain file if the pipe is gone
[ -p "$S/done" ] || exit
exec 4<>"$S/done" 2>/dev/null

# Numbers of the system calls that read, poll, select and wait for events.
case $(uname -m) in
  x86_64) reads='0|19' polls='7|271' selects='23|270' events='232|281|441' ;;
  aarch64) reads='63|65' polls='73' selects='72' events='22|441' ;;
  *) reads=- polls=- selects=- events=- ;;
esac
among() { case "|$2|" in *"|$1|"*) return 0 ;; esac; return 1; }

# Prints the kind of a descriptor of the program: `tty`, `other` for input that does not come from a person, `plain` for
# all else.
kind() {
  case $(readlink "/proc/$pid/fd/$1") in
    "$tty" | /dev/tty) echo tty ;;
    socket:* | /dev/ptmx | /dev/pts/*) echo other ;;
    *) echo plain ;;
  esac
}

# Print the descriptors that a call waits for: of poll and select, from the program's memory; of epoll, from the
# kernel's list.
memory() { dd if="/proc/$pid/mem" bs=4 skip=$(($1 / 4)) count="$2" | od -An -v "-t$3"; }
polled() {
  [ $(($2)) -le 64 ] || return
  # descriptor, then wanted events in the lower half of the second word; 1 is "can be read"
  memory "$1" $((2 * $2)) d4 | tr -s ' \n' '\n\n' | sed '/^$/d' | while read -r fd && read -r wanted; do
    [ $((wanted & 1)) -eq 0 ] || echo "$fd"
  done
}
selected() {
  [ $(($2)) -ne 0 ] || return
  [ $(($1)) -gt 1 ] || { echo 0; return; }
  memory "$2" $((($1 + 31) / 32)) u1 | tr -s ' \n' '\n\n' | sed '/^$/d' |
    awk '{ for (b = 0; b < 8; b++) if (int($1 / 2 ^ b) % 2) print 8 * (NR - 1) + b }'
}
listed() {
  sed -n 's/^tfd: *\([0-9]*\) *events: *\([0-9a-f]*\) .*/\1 \2/p' "/proc/$pid/fdinfo/$(($1))" |
    while read -r fd wanted; do
      [ $((0x$wanted & 1)) -eq 0 ] || echo "$fd"
    done
}

# Succeeds when the descriptors contain the terminal, and no other source of input.
only_tty() {
  seen=
  for fd; do
    case $(kind "$fd") in tty) seen=1 ;; other) return 1 ;; esac
  done
  [ -n "$seen" ]
}

# Checks one thread of a program by the call in which it sleeps.
sleeps_in_read() {
  call=
  read -r call first second _ <"$1/syscall"
  case $call in
    '') guessed "$1" ;;
    running | -1) return 1 ;;
    *)
      # shellcheck disable=SC2046 # a list of numbers
      if among "$call" "$reads"; then only_tty $((first))
      elif among "$call" "$polls"; then only_tty $(polled "$first" "$second")
      elif among "$call" "$selects"; then only_tty $(selected "$first" "$second")
      elif among "$call" "$events"; then only_tty $(listed "$first")
      else return 1
      fi
      ;;
  esac
}

# Checks a thread without its call: by the name of the kernel function, and by all open files of the program.
guessed() {
  place=
  read -r place <"$1/wchan"
  case $place in
    n_tty_read) return 0 ;;
    wait_woken) [ "$(kind 0)" = tty ] && ! holds 'socket:*|/dev/ptmx' ;;
    do_select | do_sys_poll | poll_schedule_timeout* | do_poll* | ep_poll | do_epoll_wait)
      [ "$(kind 0)" = tty ] && ! holds 'socket:*|pipe:*|anon_inode:*|/dev/ptmx'
      ;;
    *) return 1 ;;
  esac
}
holds() {
  # shellcheck disable=SC2034 # eval reads it
  for file in "/proc/$pid/fd"/*; do
    # shellcheck disable=SC2254 # patterns
    eval "case \$(readlink \"\$file\") in $1) return 0 ;; esac"
  done
  return 1
}

# Prints sleeping programs in the foreground of each lane's terminal, `LANE LANE_PID PID` per line; a hundred per lane
# at most.
foreground() {
  cat /proc/[0-9]*/stat | awk -v lanes="$*" '
    { pid = $1; sub(/^.*\) /, ""); state[pid] = $1; group[pid] = $3; tty[pid] = $5; front[pid] = $6 }
    END {
      n = split(lanes, list, " ")
      for (i = 1; i <= n; i++) {
        split(list[i], lane, ":")
        if (!(lane[2] in tty) || tty[lane[2]] + 0 == 0) continue
        found = 0
        for (pid in tty) {
          if (pid == lane[2] || tty[pid] != tty[lane[2]]) continue
          if (group[pid] == front[pid] && state[pid] == "S" && ++found <= 100) print lane[1], lane[2], pid
        }
      }
    }'
}

told=
foreground "$@" | while read -r lane lane_pid pid; do
  [ "$lane" != "$told" ] || continue
  tty=$(readlink "/proc/$lane_pid/fd/0")
  for task in "/proc/$pid/task"/*; do
    sleeps_in_read "$task" || continue
    echo "W $look $lane" >&4
    told=$lane
    break
  done
done
echo "W $look ." >&4
