#!/bin/sh
# Three forms of executors: side by side in a session, one after the other in a window, one after the other in a pane.
set -eu

# tmux.SESSION: a window of its own for each job, so these two meet, each waiting for a sign of the other.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
meet='i=0; while [ ! -e "$THERE" ] && [ $i -lt 100 ]; do : > "$HERE"; sleep 0.1; i=$((i+1)); done; [ -e "$THERE" ]'
left=$(runner submit -e tmux.examples --env HERE="$dir/left" --env THERE="$dir/right" ": > $dir/left; $meet")
right=$(runner submit -e tmux.examples --env HERE="$dir/right" --env THERE="$dir/left" ": > $dir/right; $meet")
runner wait "$left" "$right"
echo "two jobs met"

# tmux.SESSION.WINDOW: in queue order, never two at once, whatever becomes of the one before.
for step in first second third; do
  last=$(runner submit -e tmux.examples.line "echo $step >> $dir/steps")
done
runner wait "$last"
cat "$dir/steps"

# tmux.SESSION.WINDOW.PANE: panes of one window, each with its own line of jobs.
server=$(runner submit -e tmux.examples.servers.web 'echo "web is up"')
worker=$(runner submit -e tmux.examples.servers.worker 'echo "worker is up"')
runner wait "$server" "$worker"
echo "two panes of one window"

# Output:
# two jobs met
# first
# second
# third
# two panes of one window
