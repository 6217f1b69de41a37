#!/bin/sh
# Three forms of executors: in parallel in a session, one after the other in a window, one after the other in a pane.
set -eu

# tmux.SESSION: each job has its own window, so these two run at the same time, and each waits for a file of the other.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
meet='i=0; while [ ! -e "$THERE" ] && [ $i -lt 100 ]; do : > "$HERE"; sleep 0.1; i=$((i+1)); done; [ -e "$THERE" ]'
left=$(runner submit -e tmux.examples --env HERE="$dir/left" --env THERE="$dir/right" ": > $dir/left; $meet")
right=$(runner submit -e tmux.examples --env HERE="$dir/right" --env THERE="$dir/left" ": > $dir/right; $meet")
runner wait "$left" "$right"
echo "two jobs met"

# tmux.SESSION.WINDOW: jobs run in queue order, never two at the same time, whatever happens to the previous one.
for step in first second third; do
  last=$(runner submit -e tmux.examples.steps "echo $step >> $dir/steps")
done
runner wait "$last"
cat "$dir/steps"

# tmux.SESSION.WINDOW.PANE: panes of one window; the jobs of each pane run one after the other.
server=$(runner submit -e tmux.examples.servers.web 'echo "web is up"')
cache=$(runner submit -e tmux.examples.servers.cache 'echo "cache is up"')
runner wait "$server" "$cache"
echo "two panes of one window"

# Output:
# two jobs met
# first
# second
# third
# two panes of one window
