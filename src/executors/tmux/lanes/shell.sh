# shell.sh
#
# Prints `fit` under a shell that can run payloads: it does what the first line of each run's script does.
[ -z "${ZSH_VERSION-}" ] || setopt posixbuiltins
command export RUNNER_TRIED='fi''t'
exec 2>&1 3<&- 4<&- 5>&-
cd -- / || { exit 126; }
unset OLDPWD
echo "${RUNNER_TRIED%x}"
