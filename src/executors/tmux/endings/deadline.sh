# deadline.sh SPOOL KILL [PAUSE]
#
# Stops the runs that exceed their limits, and sets a timer of tmux to start it again at the next limit. No process
# waits meanwhile, and the runner need not live. KILL is the file name of the kill script beside this one. With PAUSE it
# also starts again after that many seconds, however many checks come before. The runner relies on that for runs that
# have not begun yet. Runs inside the tmux server.
#
# A lane's script names its run, the limit in seconds and the grace in tenths; `root` names the process to whose age the
# limit applies. A run that has not begun is checked again when its limit could be exceeded at the earliest.
S=$1 kill=$2 most=${3-} bin=${0%/*} again=
[ -d "$S/lanes" ] || exit 2
case $most in *[!0-9.]*) exit 2 ;; esac
export LC_ALL=C
# the server, whose end also ends the timers
server=${TMUX#*,}
server=${server%%,*}
case $server in '' | *[!0-9]*) exit 2 ;; esac

# Prints four words about the next checks: the pause until the check that runs need, its time since the boot, the
# server, and the pause until the check that the runner needs. The first three are `-` when another check is due by
# then, or none is needed. The last one is `-` when one check is enough for both. Then prints lane, process of the lane,
# run and grace for each run that exceeds its limit.
look() {
  # the runner ends a run by itself at its limit: a second later is early enough
  awk -v late=1 -v most="$most" -v other=- -v server="$server" -v ticks="$(getconf CLK_TCK)" '
    function line(path, text) {
      text = ""
      if ((getline text < path) < 0) text = ""
      close(path)
      return text
    }
    # parent and age of a process: PARENT, AGE; false when it is gone
    function process(pid, text, field, n) {
      if (proc) {
        text = line("/proc/" pid "/stat")
        if (text == "") return 0
        sub(/^.*\) /, "", text)
        split(text, field, " ")
        PARENT = field[2]
        AGE = now - field[20] / ticks
        return 1
      }
      text = "ps -o ppid= -o etime= -p " pid
      n = (text | getline PARENT)
      close(text)
      if (n <= 0) return 0
      n = split(PARENT, field, /[^0-9]+/)
      # leading blanks create an empty field
      text = (field[1] == "") ? 2 : 1
      PARENT = field[text]
      AGE = field[n] + 60 * field[n - 1]
      if (n - 2 > text) AGE += 3600 * field[n - 2]
      if (n - 3 > text) AGE += 86400 * field[n - 3]
      return 1
    }
    BEGIN {
      # a check that is too early does not see the runs for which the runner needs it
      if (most != "") most += 0.1
      now = line("/proc/uptime")
      proc = now != ""
      if (!proc) { srand(); now = srand() }
      now += 0
      for (i = 2; i < ARGC; i++) {
        folder = ARGV[i]
        # [ -n ... ] && limit=SECONDS,GRACE run=RUN
        if (split(substr(line(folder "/run"), 1, 300), word, " ") < 7 || word[6] !~ /^limit=[0-9.]+,[0-9]+$/) continue
        run = substr(word[7], 5)
        split(substr(word[6], 7), limit, ",")
        left = limit[1] + late
        split(line(folder "/root"), root, /[=; ]/)
        if (root[4] == run && root[2] ~ /^[0-9]+$/) {
          if (!process(root[2])) continue
          left -= AGE
        }
        if (left <= 0) {
          sub(/^.*\//, "", folder)
          due = due " " folder " " PARENT " " run " " limit[2]
        } else if (pause == "" || left < pause + 0) pause = left
      }
      # one check for both, unless a run needs it clearly earlier
      if (most != "") {
        if (shared = pause == "" || pause > most - 0.3) pause = most
        else other = sprintf("%.1f", most)
      }
      # another server, or one before a boot, had other timers
      if (proc && process(server)) server = server ":" int(now - AGE)
      split(line(ARGV[1]), armed, " ")
      stands = !shared && armed[2] == server && armed[1] > now && armed[1] <= now + pause + 0.5
      if (pause == "" || stands) print "- - -", other due
      # recorded slightly earlier than it is, so that it never counts as one that is still to come
      else printf "%.1f %.2f %s %s%s\n", pause + 0.05, now + pause - 0.1, server, other, due
    }' "$S/alarm" "$S"/lanes/[0-9]*
}

# Makes tmux start this script again after so many seconds.
later() {
  if [ -z "$again" ]; then
    # quoted as a word of the shell, with nothing that tmux expands as a format
    quoted=$(printf %s "$S" | sed "s/'/'\\\\''/g; s/#/##/g")
    again="sh '$quoted/bin/${0##*/}' '$quoted' $kill >/dev/null 2>&1"
  fi
  tmux run-shell -b -d "$1" "$again"
}

# shellcheck disable=SC2046 # words
set -- $(look)
[ $# -ge 4 ] || exit
if [ "$1" != - ] && later "$1"; then echo "$2 $3" >"$S/alarm"; fi
[ "$4" = - ] || later "$4"
shift 4
killers=
while [ $# -ge 4 ]; do
  sh "$bin/$kill" "$S" "$1" "$2" "$3" timed_out "$4" &
  killers="$killers $!"
  shift 4
done
for killer in $killers; do
  wait "$killer" || failed=1
done
[ -z "${failed-}" ] || later 5
