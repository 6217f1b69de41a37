#!/bin/sh
# Fills a folder with links to the programs of every Debian and those that install.sh installs: a PATH without the
# other programs of this machine. Fails with a message where there is no dpkg to list the former.
#
#   bare.sh FOLDER              for the program
#   bare.sh FOLDER --for-tests  also the programs that only tests use
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=scripts/lib.sh
. "$scripts/lib.sh"

folder=${1:?is missing: bare.sh FOLDER [--for-tests]}
shift
have dpkg-query || die "Cannot list the programs of every Debian: there is no dpkg here"
mkdir -p "$folder"
packages=$(dpkg-query -W -f '${Package} ${Priority} ${Essential}\n' |
  awk '$2 == "required" || $3 == "yes" { print $1 }')
# shellcheck disable=SC2086 # a list of names
files=$(dpkg-query -L $packages | grep -E '^(/usr)?/s?bin/[^/]+$')
# shellcheck disable=SC2086 # paths without spaces
ln -sf $files "$folder/"
# awk is an alternative that belongs to no package
for name in awk $("$scripts/install.sh" --names "$@"); do
  path=$(command -v "$name") || die "Cannot find $name, which install.sh installs: run scripts/install.sh $*"
  ln -sf "$path" "$folder/$name"
done
