# hook.sh SPOOL HOOK SHELL LIMIT
#
# The process of a window of its own: runs SPOOL/hooks/HOOK.sh with SHELL, in its own process group, without input and
# output. After LIMIT seconds it sends TERM, two seconds later KILL. Whatever is left of the process group is killed at
# the end. `H HOOK CODE` in the runner's pipe `done` reports the end.
S=$1 hook=$2 shell=$3 limit=$4
# caught, not ignored: children inherit ignored signals
trap : INT TERM HUP
cd / && exec 3<"$S/hooks/$hook.sh" || exit
# removed first, so that it runs only once and leaves nothing behind
rm -f "$S/hooks/$hook.sh"
exec 2>/dev/null
set -m
# one command: between two of them dash forgets a job that has ended, and with it the exit code
{
  # some shells pass on only those descriptors that are named
  env -i PATH="$PATH" TERM="$TERM" "$shell" /dev/fd/3 3<&3 </dev/null >/dev/null &
  group=$!
  # never signal a group that is not certainly the hook's: -1 would be every process of the machine
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
# a redirection alone would create a plain file if the pipe is gone
[ ! -p "$S/done" ] || echo "H $hook $code" 1<>"$S/done"
