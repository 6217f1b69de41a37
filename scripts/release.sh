#!/bin/sh
# Builds the files of a release in dist: a binary for each machine, the bundle, and SHA256SUMS. Publishes nothing: it
# prints the commands that do.
#
#   release.sh             checks everything, then builds
#   release.sh --dry-run   only checks; builds the bundle and, if possible, this machine's binary as a proof, and
#                          checks their sums
#
# Reports all problems at once. The gate is not part of it: run scripts/test.sh first.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

case $#,${1:-} in
  0,) dry='' ;;
  1,--dry-run) dry=yes ;;
  *) die "Cannot use $*: release.sh takes nothing or --dry-run" ;;
esac

bad=0
good() { say "ok      $*"; }
wrong() {
  say "not ok  $*"
  bad=$((bad + 1))
}
left_out() { say "left out: $*"; }

choose_registry
say_registry
cd "$ROOT"
number=$(sed -n 's/^ *"version": *"\(.*\)".*/\1/p' deno.json)
changes=.github/CHANGELOG.md

check_version() {
  case $number in
    *[!0-9.]* | '' | .* | *. | *..*) wrong "version \"$number\" in deno.json: write three numbers, as in 1.2.3" ;;
    *.*.*.*) wrong "version \"$number\" in deno.json: write three numbers, as in 1.2.3" ;;
    *.*.*) good "version $number" ;;
    *) wrong "version \"$number\" in deno.json: write three numbers, as in 1.2.3" ;;
  esac
  # the man page is generated from deno.json
  others=$(grep -rlwF "$number" main.ts src scripts examples README.md | grep -v '^scripts/runner\.1$' | tr '\n' ' ')
  if [ -z "$others" ]; then
    good "the version stands only in deno.json"
  else
    wrong "the version stands also in ${others% }: read it from deno.json"
  fi
}

check_documents() {
  if "$DENO" run --quiet -A --config "$DENO_CONFIG" scripts/docs.ts --check >&2; then
    good "man page and README are up to date"
  else
    wrong "the man page or the README: run scripts/docs.ts"
  fi
}

# changes_now: prints the lines under the heading of this version
changes_now() {
  awk -v heading="## $number" '/^## / { on = index($0 " ", heading " ") == 1; next } on && NF' "$changes"
}

check_changes() {
  first=$(sed -n 's/^## //p' "$changes" | head -n 1)
  if [ "${first%% *}" != "$number" ]; then
    wrong "$changes: its first heading is \"## $first\" and not \"## $number\""
  elif [ -z "$(changes_now)" ]; then
    wrong "$changes: nothing stands under \"## $number\""
  else
    good "changes of $number are written down"
  fi
}

check_repository() {
  if [ -n "$(git status --porcelain 2>&1)" ]; then
    wrong "the working tree: commit or remove what git status shows"
  else
    good "everything is committed"
  fi
  if git rev-parse -q --verify "refs/tags/v$number" >/dev/null; then
    wrong "tag v$number: it is there already; raise the version in deno.json"
  else
    good "tag v$number is free"
  fi
}

check_package() {
  if [ "$RUNNER_REGISTRY" != jsr ]; then
    left_out "deno publish --dry-run, because JSR does not answer; tests/dist does it with stand-ins"
  elif "$DENO" publish --dry-run --allow-dirty --quiet; then
    good "JSR would take the package"
  else
    wrong "the package: see what deno publish says above"
  fi
}

# builds COMMAND...: runs a build and reports its result
builds() {
  if "$@" >&2; then good "$*"; else wrong "$*: see above"; fi
}

# sums FILE...: writes the sums of files in dist, and checks them as a user does after the download
sums() {
  if (cd dist && sha256 "$@" >SHA256SUMS && sha256 --check SHA256SUMS >&2); then
    good "sums of $*"
  else
    wrong "sums of $*: see above"
  fi
}

check_version
check_documents
check_changes
check_repository
check_package
builds "$scripts/bundle.sh"
if [ -z "$dry" ]; then
  if [ "$RUNNER_REGISTRY" != jsr ]; then
    wrong "the packages: a release is built with those from JSR, which does not answer"
  elif [ -n "${DENORT_BIN:-}" ]; then
    wrong "DENORT_BIN: a release is built with the stubs that Deno downloads; unset it"
  else
    builds "$scripts/compile.sh" --all
    # shellcheck disable=SC2046 # one name a word
    sums $(cd dist && ls runner-*) runner.js
  fi
elif find_stub; then
  builds "$scripts/compile.sh"
  sums runner runner.js
else
  left_out "compile.sh, because DENORT_BIN names no stub"
  sums runner.js
fi

[ "$bad" -eq 0 ] || die "Cannot release $number: $bad of these checks failed"
if [ -n "$dry" ]; then
  say "$number can be released"
  exit 0
fi
cat <<END
git tag -a v$number -m 'Version $number'
git push origin v$number
"$DENO" publish
# and attach to the release: dist/runner-*, dist/runner.js, dist/SHA256SUMS
END
