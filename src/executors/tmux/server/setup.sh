# setup.sh SPOOL ANSWER INHERITED PROGRAMS [SHELL TRIAL]
#
# Does what the runner may not do itself: creates the pipe `done`, and writes facts about the host into SPOOL/ANSWER,
# one `name value` per line. When some of PROGRAMS, a list of words, are missing, writes only their names. INHERITED is
# the script that prints what jobs inherit, here from the tmux server. SHELL is tested with the script TRIAL.
S=$1 answer=$2 inherited=$3
missing=
for program in $4; do
  command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
if [ -n "$missing" ]; then
  echo "missing$missing" >"$S/$answer"
  exit
fi
given=$(sh "$inherited")
umask 077
# a plain file in its place would return end of file at once, for ever
[ -p "$S/done" ] || { rm -rf "$S/done" && mkfifo "$S/done"; }

first() {
  for candidate; do command -v "${candidate%% *}" >/dev/null 2>&1 && echo "$candidate" && return; done
}
try() {
  [ -n "$1" ] || return
  # in the folder in which a lane starts it; endless output must not fill the memory
  cd / && command -v "$1" >/dev/null 2>&1 || { echo missing && return; }
  [ "$("$1" "$2" 2>/dev/null </dev/null | head -c 100)" = fit ] && echo fit
}
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.bootsessionuuid 2>/dev/null)
{
  echo "boot ${boot:-unknown}"
  # shellcheck disable=SC3045 # every shell has it
  echo "nofile $(ulimit -n)"
  echo "shell $(first bash sh)"
  echo "tried $(try "${5-}" "${6-}")"
  echo "$given"
  # the best lane shell first
  echo "lane_shell $(first dash 'busybox sh' 'bash --norc -i' 'mksh -i' sh)"
} >"$S/$answer.new"
mv "$S/$answer.new" "$S/$answer"
