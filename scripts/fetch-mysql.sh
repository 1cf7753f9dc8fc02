#!/bin/sh
# Puts a MySQL server, which Debian's stable suites have no package of, into a cache folder, for tests and demos: the one of Debian sid, with the
# libraries that it was built for, so that it runs beside whatever this machine has. Needs apt and dpkg, no root, and leaves the
# system's own apt alone: sources, state and cache are private.
# Prints the folder of the programs as its last line.
#
#   scripts/fetch-mysql.sh [folder]
#
# Default: .cache/mysql of this checkout, which the user that the database runs as must be able to reach.
set -eu

fail() {
  printf 'fetch-mysql: %s\n' "$@" >&2
  exit 1
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
target=${1:-$root/.cache/mysql}
# The mirror that this machine installs from.
mirror=${HAAGENT_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
programs=$target/usr/bin

if [ -x "$programs/mysqld" ]; then
  echo "$programs"
  exit 0
fi
for tool in apt-get dpkg; do
  command -v "$tool" >/dev/null || fail "$tool is missing; this needs a Debian machine"
done
[ -r "$keyring" ] || fail "$keyring is missing; install debian-archive-keyring"

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/mysql.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/parts" "$work/out"
echo "deb [signed-by=$keyring] $mirror sid main" >"$work/apt/sources.list"
: >"$work/apt/status"

# The machine's own apt configuration stays in force (proxies, for instance); these settings come on top of it.
private() {
  apt-get -q -q \
    -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts="$work/apt/parts" \
    -o Dir::State="$work/apt/state" -o Dir::State::Status="$work/apt/status" -o Dir::Cache="$work/apt/cache" \
    -o Dir::Etc::TrustedParts="$work/apt/parts" -o APT::Sandbox::User= -o APT::Install-Recommends=false \
    -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o Acquire::Retries=2 "$@"
}
# The server with its plugins, the reader of its log, and every library below them; patchelf comes along and runs by the same libraries.
choose() {
  private --simulate install mysql-server-core mysql-client-core patchelf | sed -n 's/^Inst \([^ ]*\).*/\1/p' |
    grep -E '^(lib|zlib|mysql-|patchelf)' | grep -vE 'perl|^libc-(bin|l10n)|pam-modules|audit-common'
}
{
  private update
  # Package names hold no spaces: word splitting is wanted.
  # shellcheck disable=SC2046
  (cd "$work" && private download $(choose))
} >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  fail "could not fetch MySQL from $mirror (sid)"
}
for package in "$work"/*.deb; do dpkg -x "$package" "$work/out"; done

# The programs are bound to the libraries at their final place.
libraries=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
loader=$(cd "$work/out/$libraries" && ls ld-linux*.so.*)
bind() {
  "$work/out/$libraries/$loader" --library-path "$work/out/$libraries" "$work/out/usr/bin/patchelf" \
    --set-interpreter "$target/$libraries/$loader" --force-rpath --set-rpath "$target/$libraries" "$1"
}
for folder in usr/sbin usr/libexec; do
  [ -x "$work/out/$folder/mysqld" ] && mv "$work/out/$folder/mysqld" "$work/out/usr/bin/mysqld"
done
for program in mysqld mysqlbinlog mysql; do
  [ -x "$work/out/usr/bin/$program" ] || continue
  bind "$work/out/usr/bin/$program"
done
chmod 755 "$work/out"
# Another run may have been faster: what is there already is as good.
mv -T "$work/out" "$target" 2>/dev/null || [ -x "$programs/mysqld" ]
echo "$programs"
