# log.sh SPOOL LANE
#
# Writes what a terminal puts out, its standard input, into the lane's log. One that came before it and still has bytes
# ends first. When its input ends the terminal is gone, however that came about, or its whole server, or another writer
# has come: code 0. Else the log cannot be written. `L LANE CODE` in the runner's pipe `done` says so, unless another
# writer has come.
exec 2>/dev/null
cd "$1/lanes/$2" || exit
umask 077
read -r before <writer
echo $$ >writer
seconds=0
# busybox finds a process without a number
while [ -n "$before" ] && [ "$seconds" -lt 60 ] && kill -0 "$before" && sleep 1; do seconds=$((seconds + 1)); done
code=0
cat >>log || code=$?
read -r now <writer
case $now in '' | "$$") [ ! -p "$1/done" ] || echo "L $2 $code" 1<>"$1/done" ;; esac
