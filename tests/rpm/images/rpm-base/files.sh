#!/bin/sh
# Prints what is in the root file system and can be a part of a package, one
# path a line: neither Debian's own package managers nor what changes or is of this
# machine.
find / -xdev \
	\( -path /build -o -path /dev -o -path /image -o -path /proc -o -path /root -o -path /run -o -path /sys -o -path /tmp \
	-o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/log -o -path /etc/apt -o -path /usr/lib/apt \
	-o -path /etc/hostname -o -path /etc/resolv.conf \
	-o -path /usr/share/doc -o -path /usr/share/man -o -path /etc/os-release -o -path /usr/lib/os-release \) -prune \
	-o \( -name 'apt*' -o -name 'dpkg*' \) -path '/usr/bin/*' -o -name __pycache__ -prune \
	-o -path '/?*' -print | LC_ALL=C sort
