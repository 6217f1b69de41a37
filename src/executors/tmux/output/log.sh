# log.sh SPOOL LANE
#
# Writes the output of a terminal, its standard input, into the lane's log. First waits up to a minute for an earlier
# writer that still has bytes. Exit code 0 of the copy means the end of its input: the terminal or its whole server is
# gone, or another writer has replaced this one. Any other code means that the log cannot be written. `L LANE CODE` in
# the runner's pipe `done` reports it, unless another writer has replaced this one.
exec 2>/dev/null
cd "$1/lanes/$2" || exit
umask 077
read -r before <writer
echo $$ >writer
seconds=0
# the `kill -0` of busybox succeeds without a number
while [ -n "$before" ] && [ "$seconds" -lt 60 ] && kill -0 "$before" && sleep 1; do seconds=$((seconds + 1)); done
code=0
cat >>log || code=$?
read -r now <writer
case $now in '' | "$$") [ ! -p "$1/done" ] || echo "L $2 $code" 1<>"$1/done" ;; esac
