#!/bin/sh
# Builds the container lab's images on the engine that DOCKER_HOST names and prints a line each: the name of haagent's image
# (from the project's Dockerfile), the name of the one with the same database server, Patroni, etcd and HAProxy, the user and
# the group that databases run as in them, where they have the server's programs, and the versions in them. What was built from the same files is not built again.
#
#   DOCKER_HOST=unix:///... sh scripts/images.sh
set -eu

PATH="$PATH:/usr/sbin:/sbin"
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
SUITE=trixie
DEBIAN=debian:$SUITE-slim
# The same with what this machine needs to reach package registries: proxies and authorities of its own.
BASE=haagent-base:$SUITE
LABEL=org.haagent.lab
LOCK=/tmp/haagent-images.lock

fail() {
  printf 'haagent: %s\n' "$@" >&2
  exit 1
}

has() {
  docker image inspect "$1" >/dev/null 2>&1
}

# A name for what the named files hold.
digest() {
  find "$@" -type f -print0 | sort -z | xargs -0 cat | sha256sum | cut -c1-12
}

# What a build needs to reach the package mirrors as this machine does.
build() {
  # Docker's old builder is deprecated, but a Debian engine has no other; where buildx is there, it is used.
  if docker buildx version >/dev/null 2>&1; then builder=1; else builder=0; fi
  set -- --network host --label "$LABEL=image" --build-arg "BASE=$BASE" "$@"
  for name in http_proxy https_proxy no_proxy; do
    eval "value=\${$name-}"
    # shellcheck disable=SC2154
    if [ -n "$value" ]; then set -- --build-arg "$name=$value" "$@"; fi
  done
  registry=$(npm config get registry 2>/dev/null || true)
  if [ -n "$registry" ]; then set -- --build-arg "NPM_REGISTRY=$registry" "$@"; fi
  if ! DOCKER_BUILDKIT=$builder timeout 900 docker build "$@" >"$work/log" 2>&1; then
    tail -n 30 "$work/log" >&2
    fail 'docker build failed (or took 15 minutes): its last lines are above'
  fi
}

# A minimal Debian made here, from the mirror that this machine installs from.
make_debian() {
  { [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null; } ||
    fail "$DEBIAN could not be pulled, and only root with debootstrap can make it: pull it by hand"
  mirror=${HAAGENT_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1)}
  mirror=${mirror:-http://deb.debian.org/debian}
  echo "haagent: making $DEBIAN with debootstrap from $mirror ..." >&2
  timeout 600 debootstrap --variant=minbase "$SUITE" "$work/debian" "$mirror" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    fail "debootstrap of $SUITE from $mirror failed (or took ten minutes)"
  }
  rm -rf "$work"/debian/var/cache/apt/archives/*.deb "$work"/debian/var/lib/apt/lists/*
  tar -C "$work/debian" -c . | timeout 300 docker import --change 'CMD ["bash"]' - "$DEBIAN" >/dev/null
}

make_base() {
  has "$DEBIAN" || timeout 120 docker pull -q "$DEBIAN" >/dev/null 2>&1 || make_debian
  files=$work/base/files
  mkdir -p "$files/etc/apt/apt.conf.d" "$files/usr/local/share/ca-certificates"
  apt-config dump --format '%f "%v";%n' 2>/dev/null | grep -i '^Acquire::.*proxy' >"$files/etc/apt/apt.conf.d/90proxy" || true
  # A mirror may be a snapshot: signed, and older than its own date allows.
  echo 'Acquire::Check-Valid-Until "false";' >"$files/etc/apt/apt.conf.d/90snapshot"
  # As Debian's own images have it: a build that is cut short is begun anew, it need not survive a power cut.
  mkdir -p "$files/etc/dpkg/dpkg.cfg.d"
  echo force-unsafe-io >"$files/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
  cp /usr/local/share/ca-certificates/*.crt "$files/usr/local/share/ca-certificates/" 2>/dev/null || true
  printf 'FROM %s\nCOPY files/ /\n' "$DEBIAN" >"$work/base/Dockerfile"
  build --tag "$BASE" "$work/base"
}

exec 9>"$LOCK"
flock -w 1200 9 || fail "another build has held $LOCK for 20 minutes"
lab=haagent-hosts:$(digest Dockerfile chaos/lab/images)
agent=haagent:$(digest Dockerfile src package.json package-lock.json tsconfig.json tsconfig.build.json)
if ! has "$lab" || ! has "$agent"; then
  work=$(mktemp -d /var/tmp/haagent-images.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  make_base
  if ! has "$lab"; then
    echo 'haagent: building the image with PostgreSQL, Patroni, etcd and HAProxy ...' >&2
    build --target server --tag haagent-server:lab .
    build --tag "$lab" --build-arg SERVER=haagent-server:lab --file chaos/lab/images/Dockerfile chaos/lab/images
  fi
  if ! has "$agent"; then
    echo 'haagent: building the image of the agent ...' >&2
    build --tag "$agent" .
  fi
  # What no container uses and nobody built for two days.
  docker image prune --all --force --filter "label=$LABEL" --filter until=48h >/dev/null 2>&1 || true
fi
echo "$agent"
echo "$lab"
timeout 60 docker run --rm --network none --entrypoint sh "$lab" -c \
  'id -u postgres; id -g postgres; ls -d /usr/lib/postgresql/*/bin
   dpkg-query -W -f "\${Package} \${Version}\n" "postgresql-[0-9]*" patroni etcd-server haproxy | grep " [0-9]"'
