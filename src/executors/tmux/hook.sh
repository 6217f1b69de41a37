# hook.sh SPOOL HOOK SHELL LIMIT
#
# The process of a window of its own: runs SPOOL/hooks/HOOK.sh with SHELL, as a process group of its own and with
# nothing to read or to show. After LIMIT seconds it is ended: TERM, two seconds later KILL. Whatever it left of its
# group goes with it. `H HOOK CODE` in the runner's pipe `done` tells the end.
S=$1 hook=$2 shell=$3 limit=$4
# caught, not ignored: what a shell ignores its children ignore as well
trap : INT TERM HUP
cd / && exec 3<"$S/hooks/$hook.sh" || exit
# once, whatever happens, and nothing is left behind
rm -f "$S/hooks/$hook.sh"
exec 2>/dev/null
set -m
# one command: between two of them dash forgets a job that has ended, and nobody would know how
{
  # some shells hand on no other file than those that are named
  env -i PATH="$PATH" TERM="$TERM" "$shell" /dev/fd/3 3<&3 </dev/null >/dev/null &
  group=$!
  # never a group that is not surely the hook's: -1 would be every process of the machine
  case $group in '' | *[!0-9]* | 0 | 1) exit ;; esac
  exec 3<&-
  {
    sleep "$limit"
    kill -TERM "-$group"
    sleep 2
    kill -KILL "-$group"
  } &
  guard=$!
  case $guard in '' | *[!0-9]* | 0 | 1) guard=$group ;; esac
  wait "$group"
  code=$?
}
kill -KILL "-$guard" "-$group"
# a redirection alone would make a plain file where the pipe is gone
[ ! -p "$S/done" ] || echo "H $hook $code" 1<>"$S/done"
