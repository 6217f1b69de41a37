#!/bin/sh
# A grid of parameters as one batch: every combination runs once, on whatever host of the runner's name is free. What
# failed is run again, and the results are a CSV file for a spreadsheet. The values are environment variables, so that
# none needs quotes in the shell text.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# the first attempt of the fourth combination fails, as a real one might
grid=$(runner submit --id "grid-$$" --title 'learning rates' --cwd "$dir" --param lr=0.1,0.01 --param seed=1..3 '
  [ "$lr/$seed" != 0.01/1 ] || [ -e repaired ] || { echo "out of memory"; exit 3; }
  echo "0.$(($(echo "$lr" | wc -c) * 10 + seed))"')

code=0
runner wait "$grid" 2>/dev/null || code=$?
echo "highest exit code: $code"
runner logs "$grid" | grep memory

touch "$dir/repaired"
runner retry "$grid" 2>&1 | sed "s/$grid/grid/"
runner wait "$grid"
runner status "$grid" --csv --columns index,lr,seed,exit,result >"$dir/results.csv"
tr -d '\r' <"$dir/results.csv"

# Output:
# highest exit code: 3
# 4: out of memory
# batch grid: 1 queued for a new attempt
# index,lr,seed,exit,result
# 1,0.1,1,0,0.41
# 2,0.1,2,0,0.42
# 3,0.1,3,0,0.43
# 4,0.01,1,0,0.51
# 5,0.01,2,0,0.52
# 6,0.01,3,0,0.53
