#!/bin/sh
# A pipeline as in continuous integration: build, then two kinds of tests in parallel, then deploy. Each step has a
# named pane that a person can watch. A job waits with --after for one other job. This script waits for both tests, and
# deploys only when both have finished. The exit code of a failed step becomes that of the pipeline.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# step PANE [OPTION...] SHELL_TEXT: prints the id of the job
step() {
  pane=$1
  shift
  runner submit --executor "tmux.pipeline.steps.$pane" --title "$pane" --cwd "$dir" "$@"
}

build=$(step build 'echo "int main() { return 0; }" > main.c && echo built')
units=$(step units --after "$build" 'test -s main.c && echo "3 unit tests passed"')
style=$(step style --after "$build" 'echo "line 1 is too long"; exit 3')

code=0
runner wait "$build" "$units" "$style" 2>/dev/null || code=$?
for id in "$build" "$units" "$style"; do runner logs "$id"; done
if [ "$code" -eq 0 ]; then
  deploy=$(step deploy 'echo deployed')
  runner wait "$deploy" || code=$?
  runner logs "$deploy"
fi
echo "exit code of the pipeline: $code"

# Output:
# built
# 3 unit tests passed
# line 1 is too long
# exit code of the pipeline: 3
