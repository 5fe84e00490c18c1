#!/bin/sh
# Makes rpm packages of what is installed here, repositories of them, and in the
# directory $1 a root of them, as a distribution's base image is one.
set -eu
root=$1
cd /build
sh files.sh >all
comm -13 base all >new

# merged prints the files of a Debian package as they lie on the disk.
merged() { dpkg -L "$1" | sed -E 's,^/(s?bin|lib|lib32|lib64|libx32)/,/usr/\1/,' | LC_ALL=C sort -u; }

# entries makes rpmbuild's %files of paths. One has a capability, as Rocky's
# newuidmap has; install.sh takes it away.
entries() {
	while read -r path; do
		if [ "$path" = /usr/bin/wget ]; then printf '%%caps(cap_net_raw=p) '; fi
		if [ -d "$path" ] && [ ! -L "$path" ]; then echo "%dir \"$path\""; else echo "\"$path\""; fi
	done
}

# package describes one: its name, its file of paths, what it requires.
package() {
	entries <"$2" >"$2.entries"
	printf '%%package -n %s\nSummary: %s, made of Debian packages\nAutoReqProv: no\n%s\n' "$1" "$1" "${3:+Requires: $3}"
	printf '%%description -n %s\nFor tests.\n%%files -n %s -f /build/%s.entries\n' "$1" "$1" "$2"
}

mkdir -p release/etc/yum.repos.d release/usr/lib
cat >release/usr/lib/os-release <<'EOF'
ID=perch-standin
ID_LIKE="rhel fedora"
NAME="Perch rpm stand-in"
PRETTY_NAME="Perch rpm stand-in (Debian's programs)"
EOF
ln -s ../usr/lib/os-release release/etc/os-release
printf '[base]\nname=base\nbaseurl=file:///srv/base\ngpgcheck=0\n' >release/etc/yum.repos.d/base.repo
printf '[epel]\nname=epel\nbaseurl=file:///srv/epel\ngpgcheck=0\n' >release/etc/yum.repos.d/epel.repo
printf '/etc/os-release\n/usr/lib/os-release\n/etc/yum.repos.d/base.repo\n/etc/rpm/macros\n' >names.release
mkdir -p release/etc/rpm
# Debian's rpm would keep its database in the user's home.
echo '%_dbpath /var/lib/rpm' >release/etc/rpm/macros
cp release/etc/rpm/macros ~/.rpmmacros
echo /etc/yum.repos.d/epel.repo >names.epel

{
	cat <<'EOF'
%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
%global _binary_payload w3.zstdio
Name: standin
Version: 9
Release: 1
Summary: for tests
License: various
AutoReqProv: no
%description
For tests.
%install
mkdir -p %{buildroot}
tar -C / --no-recursion -T /build/all -cf - | tar -C %{buildroot} -xf -
cp -a /build/release/. %{buildroot}
find %{buildroot} -newermt @0 -exec touch -h -d @0 {} +
EOF
	comm -12 base all >names.base
	package standin-base names.base
	package standin-release names.release standin-base
	package epel-release names.epel standin-base
	cp new names.rest
	sh packages.sh | while read -r rpm debian; do
		merged "$debian" | comm -12 - names.rest >"names.$rpm"
		comm -23 names.rest "names.$rpm" >rest && mv rest names.rest
		package "$rpm" "names.$rpm" standin-libraries
	done
	package standin-libraries names.rest standin-base
} >standin.spec
# The rest is known only now: its list is made anew.
entries <names.rest >names.rest.entries
# SOURCE_DATE_EPOCH and the macros make the same packages each time; rpmbuild 4.18
# clamps no time of a file to 0, so that is done above.
SOURCE_DATE_EPOCH=0 rpmbuild -bb --quiet --define '_topdir /build/rpmbuild' --define 'use_source_date_epoch_as_buildtime 1' \
	--define '_buildhost localhost' --define '_empty_manifest_terminate_build 0' standin.spec

mkdir -p /srv/base /srv/epel
find rpmbuild/RPMS -name '*.rpm' ! -name 'python3-ipykernel-*' -exec mv {} /srv/base \;
find rpmbuild/RPMS -name '*.rpm' -exec mv {} /srv/epel \;
touch -d @0 /srv/*/*.rpm
for repository in /srv/base /srv/epel; do
	createrepo_c --quiet --revision 0 --set-timestamp-to-revision "$repository"
done

dnf -y -q --installroot="$root" --releasever=9 --repofrompath=base,file:///srv/base --repo=base --nogpgcheck \
	--setopt=install_weak_deps=False install standin-release
mkdir -p "$root/srv" "$root/root" "$root/tmp" "$root/var/cache" "$root/var/log"
chmod 1777 "$root/tmp"
cp -R --preserve=timestamps /srv/base /srv/epel "$root/srv" # without the attributes in which dnf has noted more times
# The base packages are on board already.
rm "$root"/srv/base/standin-base-*.rpm
createrepo_c --quiet --revision 0 --set-timestamp-to-revision "$root/srv/base"
rm -rf "$root"/var/cache/dnf "$root"/var/lib/dnf/history.* "$root"/var/log/*
mkdir -p "$root/usr/local/share/perch"
rpm --root "$root" --query --all --queryformat='%{NAME}\t%{EVR}\t%{ARCH}\t%{SOURCERPM}\t%{LICENSE}\n' | LC_ALL=C sort >"$root/usr/local/share/perch/packages.tsv"
cp rpmdb.py "$root/tmp"
chroot "$root" /usr/bin/python3 -B /tmp/rpmdb.py
rm -f "$root/tmp/rpmdb.py" "$root/var/lib/rpm/.rpm.lock"
