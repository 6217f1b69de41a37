#!/bin/sh
# Bundles the runner into one JavaScript file, dist/runner.js, for hosts with Deno, which runs it from disk or a URL.
#
#   deno run $(scripts/bundle.sh --flags) dist/runner.js submit 'echo hello'
#
# --flags only prints the permissions that it needs. DENO is the Deno to use.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

case $#,${1:-} in
  0,) ;;
  1,--flags)
    permission_flags
    exit 0
    ;;
  *) die "Cannot use $*: bundle.sh takes nothing or --flags" ;;
esac

choose_registry
file=$ROOT/dist/runner.js
mkdir -p "$ROOT/dist"
# in another folder, so that a failed bundle leaves the old file unchanged
fresh=$(mktemp -d "$ROOT/dist/bundle.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
trap 'exit 130' INT TERM
or_say 'esbuild' "Cannot bundle: Deno could not download esbuild, which does the work; connect to the network" \
  "$DENO" bundle --quiet --config "$DENO_CONFIG" --output "$fresh/runner.js" "$ROOT/main.ts"
# shellcheck disable=SC2046 # one flag a word
version=$("$DENO" run --quiet --no-config $(permission_flags) "$fresh/runner.js" version) ||
  die "Cannot use the bundle: it does not start"
mv "$fresh/runner.js" "$file"
say "$file: $(($(wc -c <"$file") / 1024)) KiB, $version"
