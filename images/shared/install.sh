#!/bin/sh
# Runs once, as root, in an image that is being built, and is the whole of it:
# installs the packages of packages/ and those that are given as arguments, sets
# up what belongs to every environment, and writes the list of packages that
# perch-ci reads. It leaves nothing behind that differs from build to build: no
# caches, no logs, no machine-id.
set -eu
here=$(dirname "$0")

# lines prints list files without comments and blank lines.
lines() { cat "$@" | sed -e 's/#.*//' -e '/^[[:space:]]*$/d'; }

install_deb() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# Of these the suite's own is taken where a mirror lacks what it names in the
	# security archive (404).
	for package in ${OLDER_OK-}; do
		if apt-get install -qq --download-only --no-install-recommends "$package" >/tmp/fetched 2>&1; then continue; fi
		cat /tmp/fetched
		grep -q '^E: .*/debian-security/.* 404 ' /tmp/fetched
		printf 'Package: %s\nPin: release l=Debian-Security\nPin-Priority: -1\n\n' "$package" >>/etc/apt/preferences.d/perch
	done
	# shellcheck disable=SC2046 # one word per package is what is wanted
	apt-get install -qq --no-install-recommends $(lines "$here"/packages/deb/*) "$@"
	# HTCondor's starter and users of other places expect this locale as well.
	echo 'en_US.UTF-8 UTF-8' >/etc/locale.gen
	locale-gen
	rm -f /tmp/fetched /etc/apt/preferences.d/perch
}

install_rpm() {
	dnf='dnf -y -q --setopt=install_weak_deps=False --setopt=tsflags=nodocs --allowerasing'
	# shellcheck disable=SC2046,SC2086 # words are what is wanted
	$dnf install $(lines "$here"/packages/rpm/repositories)
	# Much of EPEL needs the distribution's builder repository.
	# EPEL's crb calls a plugin of dnf's that it only recommends.
	if command -v crb >/dev/null; then
		$dnf install 'dnf-command(config-manager)'
		crb enable
	fi
	# shellcheck disable=SC2046,SC2086
	$dnf install $(lines "$here"/packages/rpm/shell "$here"/packages/rpm/build "$here"/packages/rpm/python) "$@"
}

tidy_deb() {
	# A base made on this machine knows this machine's apt options; a job does
	# not need them.
	rm -f /etc/apt/apt.conf.d/99mmdebstrap
	apt-get clean
	rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
}

tidy_rpm() {
	dnf -q clean all
	# dnf's own Python: there may be no other.
	interpreter=$(sed -n '1s/^#!//p' "$(command -v dnf)")
	$interpreter "$here/rpmdb.py"
	rm -rf /var/cache/dnf /var/lib/dnf/history.* /var/lib/rpm/__db* /var/lib/rpm/.rpm.lock
}

if command -v dnf >/dev/null; then
	family=rpm
elif command -v apt-get >/dev/null; then
	family=deb
else
	echo "install.sh: this base has neither dnf nor apt-get" >&2
	exit 1
fi
"install_$family" "$@"
# In two steps: a pipe would hide that the first has failed.
sh "$here/list.sh" "$family" >/tmp/packages.tsv
LC_ALL=C sort /tmp/packages.tsv >"$here/packages.tsv"
rm /tmp/packages.tsv
"tidy_$family"
sh "$here/gitconfig.sh"
sh "$here/accounts.sh"

# A job may not gain rights, so nothing here gives any.
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
if command -v python3 >/dev/null; then find / -xdev -type f -exec python3 -B "$here/filecaps.py" {} +; fi
lines "$here/mountpoints" | xargs mkdir -p
install -m 644 "$here/profile.sh" /etc/profile.d/perch.sh
rm -rf /var/cache/ldconfig/aux-cache /var/cache/man/* /var/log/apt /var/log/*.log /var/log/*/*.log /var/log/faillog /var/log/lastlog
rm -f /etc/machine-id /var/lib/dbus/machine-id
: >/etc/machine-id

# Bytecode that packages made names the times of its sources, which the image
# does not keep. This names their contents (PEP 552), from Python 3.7 on; a
# notebook's kernel takes three times as long to start without.
find / -xdev -name __pycache__ -type d -prune -exec rm -rf {} +
export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
if python3 -m compileall --help | grep -q invalidation-mode; then
	python3 -c 'import os, sys; print(*filter(os.path.isdir, sys.path[1:]), sep="\n")' >/tmp/path
	# What has an error in it, as an example may, stays without.
	xargs python3 -m compileall -f -qq --invalidation-mode checked-hash </tmp/path || true
	rm /tmp/path
fi
