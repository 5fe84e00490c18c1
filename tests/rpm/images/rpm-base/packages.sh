#!/bin/sh
# Prints the packages of the environments' lists: the name that rpm
# distributions use, and Debian's.
cat /build/rpm/build /build/rpm/python /build/rpm/shell | sed -e 's/ *#.*//' -e '/^[[:space:]]*$/d' | while read -r name; do
	case $name in
	gcc-c++) echo "$name g++" ;;
	glibc-langpack-en) echo "$name locales" ;;
	nss_wrapper) echo "$name libnss-wrapper" ;;
	openssh-clients) echo "$name openssh-client" ;;
	procps-ng) echo "$name procps" ;;
	python3) echo "$name python3-venv" ;; # there, venv is a part of python3
	vim-enhanced) echo "$name vim" ;;
	*) echo "$name $name" ;;
	esac
done
