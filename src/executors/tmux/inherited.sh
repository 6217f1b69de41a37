# inherited.sh [runner]
#
# Prints what a program that is started here inherits, one `name value` a line: the file mode mask, and each soft limit
# under the option of `ulimit` that sets it. With `runner`, for which the runner itself must start it: also how many
# files the runner was given, as its runtime raises that to the hard limit.
echo "umask $(umask)"
for option in c d f l n p s t u v; do
  # p is the number of processes in some shells, u in others, and p the size of a pipe in those
  case $option in p) ! ulimit -S -u >/dev/null 2>&1 || continue ;; esac
  # shellcheck disable=SC3045 # what a shell does not know it does not print
  limit=$(ulimit -S "-$option" 2>/dev/null) || continue
  case $limit in unlimited | [0-9]*) echo "limit-$option $limit" ;; esac
done
[ "${1-}" = runner ] || return 0 2>/dev/null || exit 0
[ -r "/proc/$PPID/limits" ] || exit 0
# files that the runner may open, and the process that started it: with the same hard limit that one's soft limit was
# the runner's as well
read -r stat <"/proc/$PPID/stat"
# shellcheck disable=SC2086 # fields: state, parent
set -- ${stat##*) }
files_of() { sed -n 's/^Max open files *\([0-9a-z]*\) *\([0-9a-z]*\).*/\1 \2/p' "/proc/$1/limits" 2>/dev/null; }
own=$(files_of "$PPID") parents=$(files_of "$2")
[ "${own#* }" != "${parents#* }" ] || echo "files ${parents% *}"
