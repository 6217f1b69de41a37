# inherited.sh [runner]
#
# Prints what a program that is started here inherits, one `name value` per line: the file mode mask, and each soft
# limit under the option of `ulimit` that sets it. With `runner`, the runner itself must start it. It then also prints
# how many open files the runner was given, as its runtime raises that to the hard limit.
echo "umask $(umask)"
for option in c d f l n p s t u v; do
  # the number of processes is p in some shells, u in others; there p is the size of a pipe
  case $option in p) ! ulimit -S -u >/dev/null 2>&1 || continue ;; esac
  # shellcheck disable=SC3045 # what a shell does not know it does not print
  limit=$(ulimit -S "-$option" 2>/dev/null) || continue
  case $limit in unlimited | [0-9]*) echo "limit-$option $limit" ;; esac
done
[ "${1-}" = runner ] || return 0 2>/dev/null || exit 0
[ -r "/proc/$PPID/limits" ] || exit 0
# limits of open files of the runner and of its parent: with the same hard limit, the parent's soft limit was the
# runner's as well
read -r stat <"/proc/$PPID/stat"
# shellcheck disable=SC2086 # fields: state, parent
set -- ${stat##*) }
files_of() { sed -n 's/^Max open files *\([0-9a-z]*\) *\([0-9a-z]*\).*/\1 \2/p' "/proc/$1/limits" 2>/dev/null; }
own=$(files_of "$PPID") parents=$(files_of "$2")
[ "${own#* }" != "${parents#* }" ] || echo "files ${parents% *}"
