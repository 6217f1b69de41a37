#!/bin/sh
# Installs what is missing, then runs the gate. The last line is `N passed, N failed`; the exit code is not 0 when
# anything failed. Arguments go to `deno test`: some of the tests instead of all.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
"$scripts/install.sh" --for-tests || {
  echo '0 passed, 1 failed'
  exit 1
}
exec "$scripts/ok.sh" all "$@"
