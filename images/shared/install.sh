#!/bin/sh
# Runs once, as root, in an image that is being built: installs the packages of
# packages.debian and what belongs to every environment. It leaves nothing
# behind that differs from build to build: no caches, no logs, no machine-id.
set -eu
here=$(dirname "$0")
export DEBIAN_FRONTEND=noninteractive

# lines prints a list file without comments and blank lines.
lines() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/$1"; }

apt-get update -qq
# shellcheck disable=SC2046 # one word per package is what is wanted
apt-get install -qq --no-install-recommends $(lines packages.debian)

# HTCondor's starter and users of other places expect this locale as well.
echo 'en_US.UTF-8 UTF-8' >/etc/locale.gen
locale-gen

lines mountpoints | xargs mkdir -p
install -m 644 "$here/profile.sh" /etc/profile.d/perch.sh

# A base made on this machine knows this machine's apt options; a job does not
# need them.
rm -f /etc/apt/apt.conf.d/99mmdebstrap
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache
rm -rf /var/lib/dpkg/*-old /var/log/apt /var/log/*.log /var/log/*/*.log
rm -f /etc/machine-id /var/lib/dbus/machine-id
: >/etc/machine-id
find / -xdev -name __pycache__ -type d -prune -exec rm -rf {} +
