#!/bin/sh
# Puts Debian trixie's etcd server (3.5) into a cache folder, for tests. Needs apt and dpkg, no root, and leaves the system's
# own apt alone: sources, state and cache are private. Prints the path of the binary as its last line.
#
#   scripts/fetch-etcd35.sh [folder]      default: .cache/etcd35 of this checkout
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$root/.cache/etcd35}
# The mirror that this machine installs from.
mirror=${HAAGENT_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
binary=$target/usr/bin/etcd

if [ -x "$binary" ]; then
  echo "$binary"
  exit 0
fi
for tool in apt-get dpkg; do
  command -v "$tool" >/dev/null || { echo "fetch-etcd35: $tool is missing; this needs a Debian machine" >&2; exit 1; }
done
if [ ! -r "$keyring" ]; then
  echo "fetch-etcd35: $keyring is missing; install debian-archive-keyring" >&2
  exit 1
fi

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/etcd35.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/parts" "$work/out"
echo "deb [signed-by=$keyring] $mirror trixie main" >"$work/apt/sources.list"
: >"$work/apt/status"

# The machine's own apt configuration stays in force (proxies, for instance); these settings come on top of it.
private() {
  apt-get -q -q \
    -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts="$work/apt/parts" \
    -o Dir::State="$work/apt/state" -o Dir::State::Status="$work/apt/status" -o Dir::Cache="$work/apt/cache" \
    -o Dir::Etc::TrustedParts="$work/apt/parts" -o APT::Sandbox::User= -o APT::Install-Recommends=false \
    -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o Acquire::Retries=2 "$@"
}
{
  private update
  (cd "$work" && private download etcd-server)
} >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "fetch-etcd35: could not fetch etcd-server from $mirror (trixie)" >&2; exit 1; }

dpkg -x "$work"/etcd-server_*.deb "$work/out"
# Another run may have been faster: what is there already is as good.
mv -T "$work/out" "$target" 2>/dev/null || [ -x "$binary" ]
echo "$binary"
