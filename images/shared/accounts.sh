#!/bin/sh
# Takes the days on which passwords were made out of the accounts of the root
# directory $1, or of the whole system: they are the days of the build. 1 is the
# first that does not mean "to be changed" (shadow(5)). The copies that the
# programs for accounts leave have them too.
set -eu
root=${1-}
if [ -e "$root/etc/shadow" ]; then sed -i 's/^\([^:]*:[^:]*\):[1-9][0-9]*:/\1:1:/' "$root/etc/shadow"; fi
for file in passwd shadow group gshadow subuid subgid; do rm -f "$root/etc/$file-"; done
