#!/bin/sh
# Compiles the runner into one file that needs only tmux on its host.
#
#   compile.sh              for this machine: dist/runner
#   compile.sh --target T   for another one: dist/runner-T; T is linux-x64, linux-arm64, macos-x64 or macos-arm64
#   compile.sh --all        for all four, with their SHA-256 sums in dist/SHA256SUMS
#
# The permissions of the program are compiled in, from scripts/permissions. DENO is the Deno to use. DENORT_BIN is the
# runtime stub of this machine and of exactly that version, for when Deno cannot download it.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

TARGETS='linux-x64 linux-arm64 macos-x64 macos-arm64'

# triple TARGET: prints Deno's name for it; nothing for an unknown one
triple() {
  case $1 in
    linux-x64) echo x86_64-unknown-linux-gnu ;;
    linux-arm64) echo aarch64-unknown-linux-gnu ;;
    macos-x64) echo x86_64-apple-darwin ;;
    macos-arm64) echo aarch64-apple-darwin ;;
  esac
}

# this_target: prints the target of this machine; nothing when it has none
this_target() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) echo linux-x64 ;;
    Linux-aarch64 | Linux-arm64) echo linux-arm64 ;;
    Darwin-x86_64) echo macos-x64 ;;
    Darwin-arm64) echo macos-arm64 ;;
  esac
}

# build TARGET FILE: compiles in a separate folder first, so that a failure leaves the old file unchanged
build() {
  if [ -n "${DENORT_BIN:-}" ] && [ "$1" != "$here" ]; then
    die "Cannot compile for $1: DENORT_BIN is a stub for this machine only; unset it, and Deno downloads the others"
  fi
  # Without the code cache: Deno keeps that in the folder for temporary files under a name that anybody can guess, and
  # trusts what it finds there. Without types, which the gate has checked: Deno would put packages that only types need
  # into the binary.
  # shellcheck disable=SC2046 # one flag a word
  or_say 'error sending request.*denort' \
    "Cannot compile for $1: Deno could not download its runtime stub for it; connect to the network, or for this machine name a stub with DENORT_BIN" \
    "$DENO" compile --quiet --no-code-cache --no-check "$HEAP_FLAG" --config "$DENO_CONFIG" $(permission_flags) \
    --target "$(triple "$1")" --output "$fresh/runner" "$ROOT/main.ts"
  if [ "$1" = "$here" ]; then
    version=$("$fresh/runner" version 2>&1) || true
    case $version in
      "runner "[0-9]*) ;;
      *) die "Cannot compile for $1: the binary does not start; the stub in DENORT_BIN must be of the same version as $DENO" ;;
    esac
  fi
  mv "$fresh/runner" "$2"
  say "$2: $(($(wc -c <"$2") / 1048576)) MiB"
}

here=$(this_target)
case $#,${1:-} in
  0,)
    [ -n "$here" ] || die "Cannot compile for this machine, $(uname -s) $(uname -m): Deno has no stub for it; there are $TARGETS"
    targets=$here
    ;;
  1,--all) targets=$TARGETS ;;
  2,--target)
    [ -n "$(triple "$2")" ] || die "Cannot compile for $2: there are $TARGETS"
    targets=$2
    ;;
  *) die "Cannot use $*: compile.sh takes nothing, --target T or --all" ;;
esac

choose_registry
[ -z "${DENORT_BIN:-}" ] || [ -f "$DENORT_BIN" ] || die "Cannot use DENORT_BIN=$DENORT_BIN: there is no such file"
dist=$ROOT/dist
mkdir -p "$dist"
fresh=$(mktemp -d "$dist/compile.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
trap 'exit 130' INT TERM
if [ $# -eq 0 ]; then
  build "$here" "$dist/runner"
  exit 0
fi
for target in $targets; do build "$target" "$dist/runner-$target"; done
if [ "$1" = --all ]; then
  cd "$dist"
  # shellcheck disable=SC2046,SC2086 # one target a word
  sha256 $(printf 'runner-%s\n' $targets) >SHA256SUMS
  cat SHA256SUMS
fi
