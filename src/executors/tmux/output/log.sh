# log.sh SPOOL LANE LIMIT [new]
#
# Writes the output of a terminal, its standard input, into the lane's log. First waits up to a minute for an earlier
# writer that still has bytes; with `new`, the log then begins anew. Exit code 0 of the copy means the end of its input:
# the terminal or its whole server is gone, or another writer has replaced this one. Any other code means that the log
# cannot be written. `L LANE CODE` in the runner's pipe `done` reports it, unless another writer has replaced this one.
#
# Of a run that writes more than LIMIT bytes, about the first and the last half stay. What follows the first half of the
# log goes into parts: the files log.1, log.2 and so on. The oldest part is removed when all together could exceed LIMIT
# by more than a sixteenth: half of that is for earlier runs in the log. `gap` names the first part that is left, and
# counts the bytes of output that are gone before it: fewer than those of the log, as a terminal writes a line feed as
# CR LF. With LIMIT 0 everything stays.
exec 2>/dev/null
cd "$1/lanes/$2" || exit
umask 077
limit=$3 code=0
read -r before _ <writer
echo "$$ $limit" >writer
tenths=0
# the `kill -0` of busybox succeeds without a number
while [ -n "$before" ] && [ "$tenths" -lt 600 ] && kill -0 "$before" && sleep 0.1; do tenths=$((tenths + 1)); done
if [ "${4-}" = new ]; then
  : >log
  rm -f gap log.*
fi
export LC_ALL=C
CR=$(printf '\r')
part=$((limit / 32)) block=$((limit / 512))
[ "$block" -le 65536 ] || block=65536
first=1 gone=0
[ ! -e gap ] || read -r first gone <gap
last=$first
while [ -e "log.$((last + 1))" ]; do last=$((last + 1)); done

# Puts the size of a file into `size`.
measure() {
  # shellcheck disable=SC2046 # fields: mode, links, user, group, size
  set -- $(ls -ln "$1")
  size=${5:-0}
}

# Appends to the file $1 until it has almost $2 bytes: each read is written at once, and most are short. Fails at the
# end of the input, and with a `code` when the file cannot be written. The runner may empty the log meanwhile.
fill() {
  while :; do
    measure "$1"
    [ "$size" -lt $(($2 - $2 / 8)) ] || return 0
    count=$((($2 - size) / block))
    records=$(dd bs="$block" count="$count" 2>&1 >>"$1") || {
      code=$?
      return 1
    }
    # GNU dd may warn before it prints the number of blocks, such as `3+1 records in`
    records=${records%% records in*}
    records=${records##*[!0-9+]}
    [ $((${records%+*} + ${records#*+})) -eq "$count" ] || return 1
  done
}

# Removes the oldest part. First counts what goes with it: all bytes without each CR that a line feed follows, also in
# the next part. A CR at the end of the first half belongs to the gap.
drop() {
  measure "log.$first"
  joint=
  [ "$first" -gt 1 ] || joint=$(tail -c 1 log | tr -cd '\r')
  ends=$({
    printf %s "$joint"
    cat "log.$first"
    dd bs=1 count=1 <"log.$((first + 1))"
    echo x
  } | tr -cs '\r\n' x | grep -c "$CR\$")
  echo "$((first + 1)) $((gone + size + ${#joint} - ends))" >gap.new && mv gap.new gap || return
  rm -f "log.$first"
  read -r first gone <gap
  total=$((total - size))
}

if [ "$limit" = 0 ] && [ ! -e log.1 ] && [ ! -e gap ]; then
  cat >>log || code=$?
elif [ "$limit" = 0 ]; then
  cat >>"log.$last" || code=$?
elif [ -e log.1 ] || [ -e gap ] || fill log $((limit / 2)); then
  rm -f "log.$((first - 1))"
  measure log
  total=$size before=$first
  while [ "$before" -lt "$last" ]; do
    measure "log.$before"
    total=$((total + size)) before=$((before + 1))
  done
  while fill "log.$last" "$part"; do
    total=$((total + size)) last=$((last + 1))
    # the first half is larger than that when an earlier writer had a larger limit
    while [ $((last - first)) -gt 16 ] && [ $((total + part)) -gt $((limit + limit / 16)) ] && drop; do :; done
  done
fi
read -r now _ <writer
case $now in '' | "$$") [ ! -p "$1/done" ] || echo "L $2 $code" 1<>"$1/done" ;; esac
