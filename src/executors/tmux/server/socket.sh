# socket.sh SPOOL SOCKET [SERVER]
#
# Makes the tmux server of our lanes create its socket again after something has removed it. Runs in another server,
# whose socket lies in the same folder. Exits with 3 when lanes of SPOOL are busy in a server to which SOCKET does not
# lead. SERVER is the process id of the server to which it leads.
S=$1 known=${3-} path=${TMUX%,*,*}
path=${path%/*}/$2
# processes start and end meanwhile
exec 2>/dev/null

is_server() {
  case $1 in '' | *[!0-9]* | 0 | 1) return 1 ;; esac
  # any other program would be ended by the signal
  case $(cat "/proc/$1/comm" 2>/dev/null || ps -o comm= -p "$1" 2>/dev/null) in tmux* | */tmux*) return 0 ;; esac
  return 1
}

# Sets `lanes` to the lanes of SPOOL and `parents` to a line `PROCESS PARENT` for each process. Sets `others` to the
# servers that were started with this path.
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
  # no /proc (macOS, BSD): there the title of a server names its socket
  parents=$(ps -axww -o pid= -o ppid= -o command=)
  lanes=$(echo "$parents" |
    S="$S" awk 'index($0, "/bin/lane-") && index($0, " " ENVIRON["S"] " ") { print $1 }' | tr '\n' ' ')
  others=$(echo "$parents" | P="$path" awk 'index($0, "tmux: server (" ENVIRON["P"] ")") { print $1 }')
fi

# Prints the servers of lanes: of all lanes, or of those that have a child.
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
