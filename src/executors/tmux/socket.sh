# socket.sh SPOOL SOCKET [SERVER]
#
# Has the tmux server that our lanes live in make its socket again, which something has removed. Runs in another server,
# whose sockets lie in the same folder. Fails with 3 when lanes of SPOOL are busy in a server that SOCKET does not lead
# to; SERVER is the process id of the one to which it leads.
S=$1 known=${3-} path=${TMUX%,*,*}
path=${path%/*}/$2
# processes come and go meanwhile
exec 2>/dev/null

is_server() {
  case $1 in '' | *[!0-9]* | 0 | 1) return 1 ;; esac
  # only tmux takes the signal for anything but its end
  case $(cat "/proc/$1/comm" 2>/dev/null || ps -o comm= -p "$1" 2>/dev/null) in tmux* | */tmux*) return 0 ;; esac
  return 1
}

# Sets `lanes` to the lanes of SPOOL, `parents` to a line `PROCESS PARENT` for each process, and `others` to servers
# that were started with this path.
lanes=
if [ -r /proc/self/cmdline ]; then
  for file in $(grep -lsF /bin/lane- /proc/[0-9]*/cmdline); do
    case $(tr '\0' ' ' <"$file" 2>/dev/null) in
      *"/bin/lane-"*" $S "*) lanes="$lanes $(echo "$file" | cut -d/ -f3)" ;;
    esac
  done
  parents=$(cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/^\([0-9]*\) .*) [A-Za-z] \([0-9]*\) .*/\1 \2/p')
  others=$(grep -ahzsF "TMUX=$path," /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' |
    sed -n 's/^TMUX=.*,\([0-9]*\),-*[0-9]*$/\1/p' | sort -u)
else
  # no /proc (macOS, BSD): there a server names its socket in its title
  parents=$(ps -axww -o pid= -o ppid= -o command=)
  lanes=$(echo "$parents" | S="$S" awk 'index($0, "/bin/lane-") && index($0, " " ENVIRON["S"] " ") { print $1 }' | tr '\n' ' ')
  others=$(echo "$parents" | P="$path" awk 'index($0, "tmux: server (" ENVIRON["P"] ")") { print $1 }')
fi

# Prints servers of lanes: of all, or of those that have a child.
servers() {
  echo "$parents" | awk -v lanes="$lanes" -v all="$1" '
    BEGIN { n = split(lanes, l, " "); for (i = 1; i <= n; i++) lane[l[i]] = 1 }
    { if ($1 in lane) home[$1] = $2; if ($2 in lane) busy[$2] = 1 }
    END { for (p in home) if (all || (p in busy)) print home[p] }' | sort -u
}

homes=
for server in $(servers 1); do
  if is_server "$server" && [ "$server" != "$known" ]; then homes="$homes $server"; fi
done
if ! [ -e "$path" ]; then
  told=
  for server in ${homes:-$others}; do
    if is_server "$server" && kill -USR1 "$server"; then told=$server; fi
  done
  rounds=0
  while ! [ -e "$path" ] && [ -n "$told" ] && [ "$rounds" -lt 20 ]; do
    rounds=$((rounds + 1))
    sleep 0.1
  done
fi
for server in $(servers ''); do
  case " $homes " in *" $server "*) exit 3 ;; esac
done
exit 0
