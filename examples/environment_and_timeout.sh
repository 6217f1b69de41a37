#!/bin/sh
# Gives a job an environment, a working directory and a time limit.
set -eu

runner submit --follow --env GREETING='hello, "world"' --env COUNT=2 --cwd /tmp '
  for i in $(seq "$COUNT"); do echo "$i: $GREETING"; done
  pwd
'

code=0
runner submit --wait --timeout 1s 'sleep 60' > /dev/null || code=$?
echo "exit code $code: it took too long"

# Output:
# 1: hello, "world"
# 2: hello, "world"
# /tmp
# exit code 124: it took too long
