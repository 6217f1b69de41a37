#!/bin/sh
# Installs what is missing of Deno, redis-server and tmux; prints nothing and changes nothing when all are there.
#
#   install.sh              for the program
#   install.sh --for-tests  also what only tests use: ps and related tools, shells for completions, payloads and
#                           lanes, awk, git, shellcheck
#   install.sh --names [--for-tests]  only prints the programs that it installs besides Deno
#
# DENO=/path/to/deno uses that one. Deno goes into a separate folder in the user's cache, never onto the PATH.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

# as_root COMMAND...
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "Cannot install without root rights, and there is no sudo: ask an administrator to run: $*"
  fi
}

# Exit code of curl for an untrusted certificate, for which a further attempt is useless.
UNTRUSTED=60

# retry COMMAND...: makes three attempts, because mirrors and registries are sometimes slow or busy; only one when the
# command ends with UNTRUSTED
retry() {
  for pause in 2 5 last; do
    code=0
    "$@" || code=$?
    case $code in 0 | "$UNTRUSTED") return "$code" ;; esac
    if [ "$pause" != last ]; then
      say "$1 failed, trying again in $pause s"
      sleep "$pause"
    fi
  done
  return 1
}

apt_install() {
  say "installing $* with apt"
  set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
  as_root "$@" >&2 && return 0
  # the package lists of a fresh system are empty; those of an old one name versions that no longer exist
  retry as_root apt-get update >&2 && retry as_root "$@" >&2 && return 0
  die "Cannot install with apt: see its message above; as root this must work: $*"
}

# install_tool PROGRAM APT_PACKAGE BREW_PACKAGE
install_tool() {
  have "$1" && return 0
  if have apt-get; then
    apt_install "$2"
  elif have brew; then
    say "installing $3 with brew"
    brew install "$3" >&2 || die "Cannot install $3 with brew: see its message above"
  else
    die "Cannot install $1: there is neither apt-get nor brew; install $1 with this system's package manager"
  fi
  have "$1" || die "Cannot find $1 although it was installed: add its folder to PATH"
}

# npm_install FOLDER PACKAGE: shows the output of npm; returns UNTRUSTED when that was the cause. npm's own retries of
# such a failure run for more than a minute, so there is only one here: `retry` makes its own.
npm_install() {
  npm_code=0
  said=$(npm install --prefix "$1" --fetch-retries=1 --fetch-retry-mintimeout=1000 --no-fund --no-audit \
    --loglevel=error \
    "$2" 2>&1) || npm_code=$?
  [ -z "$said" ] || say "$said"
  [ "$npm_code" -ne 0 ] || return 0
  case $said in *_CERT* | *CERT_* | *LEAF_SIGNATURE* | *[cC]ertificate*) return "$UNTRUSTED" ;; esac
  return 1
}

# deno_from_npm: installs Deno completely or not at all, also when two run at the same time
deno_from_npm() {
  say "installing Deno with npm into $CACHE/deno"
  fresh=$(mktemp -d "$CACHE/deno.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  echo '{ "private": true }' >"$fresh/package.json"
  code=0
  retry npm_install "$fresh" "deno@^$DENO_MAJOR.$DENO_MINOR" || code=$?
  case $code in
    0) ;;
    "$UNTRUSTED") die "Cannot install Deno with npm: it does not trust its registry's certificate; set NODE_EXTRA_CA_CERTS to the file with this network's root certificate" ;;
    *) die "Cannot install Deno with npm: see its message above" ;;
  esac
  rm -rf "$CACHE/deno"
  mv "$fresh" "$CACHE/deno"
  trap - EXIT
}

install_deno() {
  find_deno && return 0
  mkdir -p "$CACHE"
  if ! have npm && have apt-get; then apt_install npm; fi
  if have npm; then
    deno_from_npm
  elif have brew; then
    say "installing Deno with brew"
    brew install deno >&2 || die "Cannot install Deno with brew: see its message above"
  elif have curl; then
    say "installing Deno with its own installer into $CACHE/deno"
    retry curl -fsSL -o "$CACHE/deno-install.sh" https://deno.land/install.sh ||
      die "Cannot download Deno's installer: see curl's message above"
    DENO_INSTALL="$CACHE/deno" sh "$CACHE/deno-install.sh" -y --no-modify-path >&2 ||
      die "Cannot install Deno with its own installer: see its message above"
  else
    die "Cannot install Deno: there is neither npm nor apt-get nor brew nor curl; install Deno $DENO_MAJOR.$DENO_MINOR or newer and set DENO to its program"
  fi
  find_deno || die "Cannot run the Deno that was just installed in $CACHE/deno: is this processor supported?"
}

names=
if [ "${1:-}" = --names ]; then
  names=yes
  shift
fi
case ${1:-} in
  '') for_tests= ;;
  --for-tests) for_tests='dash zsh fish mksh busybox mawk git shellcheck' ;;
  *) die "Cannot use $1: there are only --for-tests and --names" ;;
esac
if [ -n "$names" ]; then
  echo "redis-server redis-cli tmux ${for_tests:+ps pgrep pkill} $for_tests"
  exit 0
fi
install_deno
install_tool redis-server redis-server redis
install_tool tmux tmux tmux
[ -z "$for_tests" ] || install_tool pgrep procps procps
for tool in $for_tests; do install_tool "$tool" "$tool" "$tool"; done
