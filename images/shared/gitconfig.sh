#!/bin/sh
# Puts git's settings, which git-lfs writes in any order, into one.
set -eu
if [ ! -s /etc/gitconfig ]; then exit; fi
git config --file /etc/gitconfig --list >/tmp/unsorted
LC_ALL=C sort /tmp/unsorted >/tmp/gitconfig
rm /etc/gitconfig /tmp/unsorted
while IFS='=' read -r name value; do
	git config --file /etc/gitconfig --add "$name" "$value"
done </tmp/gitconfig
rm /tmp/gitconfig
