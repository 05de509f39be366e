#!/bin/sh
# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
#
# Puts the parts of the operator's image together, each into a folder of its own:
#
#   assemble.sh python FOLDER      Debian's Python with what it loads: no shell, no package manager
#   assemble.sh libraries FOLDER   the wheels of requirements/runtime.lock, checked by hash
#   assemble.sh operator FOLDER    Wardkeeper itself and its commands
#
# What is in a folder depends on the checkout, the lock file and the versions of Debian's packages,
# and on nothing else: no time, no path, no order.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
part=$1 root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pip() {
  "${PYTHON:-python3}" -m pip --quiet --disable-pip-version-check --no-input "$@"
}

add_python() {
  (cd "$work" && xargs apt-get -qq -o APT::Sandbox::User=root download < "$here/packages.txt")
  mkdir -p "$root/var/lib/dpkg/status.d"
  for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$root"
    dpkg-deb -f "$package" > "$root/var/lib/dpkg/status.d/$(dpkg-deb -f "$package" Package)"
  done
  find "$root/usr/share/doc" ! -name copyright ! -type d -delete
  rm -rf "$root/usr/share/man" "$root/usr/share/locale" "$root/usr/share/lintian" \
    "$root/usr/share/bug" "$root/usr/sbin" "$root/sbin" "$root/root" "$root/var/local"
  mkdir -p "$root/etc/ssl/certs"
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"
  ln -s python3.11 "$root/usr/bin/python3"
  echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
  echo 'nonroot:x:65532:65532::/:/sbin/nologin' > "$root/etc/passwd"
  echo 'nonroot:x:65532:' > "$root/etc/group"
}

add_libraries() {
  install_wheels --require-hashes -r "$here/../requirements/runtime.lock"
}

add_operator() {
  pip wheel --no-deps --wheel-dir "$work" "$here/.."
  install_wheels --no-index "$work"/wardkeeper-*.whl
  mkdir -p "$root/usr/local/bin"
  sed -n 's/^\([a-z-]*\) = \([a-z.]*\):main$/\1 \2/p' "$target"/wardkeeper-*.dist-info/entry_points.txt |
    while read -r name module; do add_command "$name" "$module"; done
}

# Without the files in which pip notes when and from where it installed something.
install_wheels() {
  target="$root/usr/local/lib/python3.11/dist-packages"
  pip install --no-deps --no-compile --only-binary :all: --python-version 3.11 \
    --target "$target" "$@"
  rm -rf "$target/bin"
  for name in INSTALLER RECORD REQUESTED direct_url.json; do
    find "$target" -path "*.dist-info/$name" -delete
  done
}

add_command() {
  printf '#!/usr/bin/python3\nimport sys\nfrom %s import main\nsys.exit(main())\n' "$2" \
    > "$root/usr/local/bin/$1"
  chmod 755 "$root/usr/local/bin/$1"
}

case $part in
  python | libraries | operator) mkdir -p "$root" && "add_$part" ;;
  *) echo "assemble.sh: found $part, wanted python, libraries or operator" >&2 && exit 2 ;;
esac
