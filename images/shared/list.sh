#!/bin/sh
# Prints a line for each package of the family $1, deb or rpm: name, version,
# architecture, source package and, where it is known, licence. All packages, or
# those that are named after it.
set -eu
family=$1
shift
case $family in
deb) dpkg-query --show --showformat='${Package}\t${Version}\t${Architecture}\t${source:Package}\t\n' "$@" ;;
rpm) rpm --query --queryformat='%{NAME}\t%{EVR}\t%{ARCH}\t%{SOURCERPM}\t%{LICENSE}\n' "${@:---all}" ;;
esac
