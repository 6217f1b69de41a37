#!/bin/sh
# Installs what is missing, then runs `runner run ARGS...`.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
"$scripts/install.sh"
exec "$scripts/runner" run "$@"
