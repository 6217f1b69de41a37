#!/bin/sh
# A pipeline as in continuous integration: build, then two kinds of tests in parallel, then deploy, and a report in any
# case. Each step has a named pane that a person can watch, and all are queued at once: one that waits with --after
# starts when the steps before it have finished, and is skipped when one of them fails; --after-end takes any end. The
# exit code of a failed step becomes that of the pipeline.
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
deploy=$(step deploy --after "$units,$style" 'echo deployed')
report=$(step report --after-end "$units,$style" 'echo reported')

runner wait "$deploy" "$report" 2>/dev/null || true
code=0
runner wait "$build" "$units" "$style" 2>/dev/null || code=$?
for id in "$build" "$units" "$style" "$deploy" "$report"; do runner logs "$id"; done
echo "exit code of the pipeline: $code"

# Output:
# built
# 3 unit tests passed
# line 1 is too long
# reported
# exit code of the pipeline: 3
