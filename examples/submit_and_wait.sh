#!/bin/sh
# Submits a job, does something else, and waits until it ends: `runner wait` exits with the job's exit code.
set -eu

id=$(runner submit 'echo "built 3 of 4 targets"; exit 3')
echo "queued"

code=0
runner wait "$id" || code=$?
echo "exit code $code"

# Submit and wait in one step, with the output on screen.
runner submit --follow 'echo "and now with output"'

# Output:
# queued
# exit code 3
# and now with output
