#!/bin/sh
# Makes sure that the servers which demo and tests start are installed: etcd, HAProxy, and the databases that are named; or
# what the container lab needs: a Docker engine, nftables and debootstrap.
#   sh scripts/setup.sh [postgres] [mariadb] [mysql] [faults]        nothing named: postgres
# `faults` is what steps the clocks, fills the disks and cuts the networks of hosts in tests.
#   sh scripts/setup.sh containers
# Installs what is missing with apt, as root, and leaves no service running and no database cluster behind.
# Ends at once when everything is there.
set -eu

PATH="$PATH:/usr/sbin:/sbin"
LOCK=/run/haagent-setup.lock
POLICY=/usr/sbin/policy-rc.d
MARK='# made by haagent scripts/setup.sh: no service starts while it installs packages'
NO_CLUSTER=/etc/postgresql-common/createcluster.d/haagent-setup.conf

SETS=${*:-postgres}

fail() {
  printf 'haagent: %s\n' "$@" >&2
  exit 1
}

has_postgres() {
  for program in /usr/lib/postgresql/*/bin/postgres; do
    if [ -x "$program" ]; then return 0; fi
  done
  command -v postgres >/dev/null
}

wanted() {
  case " $SETS " in *" $1 "*) return 0 ;; esac
  return 1
}

missing() {
  if wanted containers; then
    command -v dockerd >/dev/null || echo docker.io
    command -v nft >/dev/null || echo nftables
    command -v debootstrap >/dev/null || echo debootstrap
    return
  fi
  command -v etcd >/dev/null || echo etcd-server
  command -v etcdctl >/dev/null || echo etcd-client
  command -v haproxy >/dev/null || echo haproxy
  if wanted postgres; then has_postgres || echo postgresql; fi
  if wanted mariadb; then
    command -v mariadbd >/dev/null || echo mariadb-server
    command -v mariadb-backup >/dev/null || echo mariadb-backup
  fi
  if wanted faults; then
    find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | grep -q . || echo libfaketime
    command -v mkfs.ext4 >/dev/null || echo e2fsprogs
    command -v losetup >/dev/null || echo mount
    command -v nft >/dev/null || echo nftables
    command -v ip >/dev/null || echo iproute2
  fi
}

# The newest server that the configured package lists have, by its own name (the name "postgresql" may be older).
newest_postgres() {
  apt-cache --names-only search '^postgresql-[0-9]+$' 2>/dev/null | cut -d' ' -f1 | sort -t- -k2 -n | tail -n 1
}

is_known() {
  apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

update_lists() {
  echo 'haagent: reading package lists (apt-get update) ...'
  timeout 300 apt-get -q -o DPkg::Lock::Timeout=120 update ||
    fail 'apt-get update failed: is a Debian mirror reachable? Its own message is above.'
}

install_packages() {
  DEBIAN_FRONTEND=noninteractive timeout 900 apt-get -q -y -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold install --no-install-recommends "$@"
}

# Package scripts ask policy-rc.d before they start a service (deb-systemd-invoke and invoke-rc.d alike).
forbid_services() {
  if [ -e "$POLICY" ] && ! grep -q "^$MARK\$" "$POLICY"; then mv "$POLICY" "$POLICY.haagent-saved"; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$MARK" >"$POLICY"
  chmod 755 "$POLICY"
  mkdir -p "${NO_CLUSTER%/*}"
  printf 'create_main_cluster = false\n' >"$NO_CLUSTER"
}

# Also repairs what an interrupted run left.
allow_services() {
  rm -f "$NO_CLUSTER"
  if [ -e "$POLICY" ] && grep -q "^$MARK\$" "$POLICY"; then rm -f "$POLICY"; fi
  if [ -e "$POLICY.haagent-saved" ]; then mv "$POLICY.haagent-saved" "$POLICY"; fi
}

# A machine that only tries haagent should not run these servers after its next boot.
disable_units() {
  if ! command -v systemctl >/dev/null; then return; fi
  for package in "$@"; do
    case $package in
      etcd-server) systemctl --quiet disable etcd.service 2>/dev/null || true ;;
      haproxy) systemctl --quiet disable haproxy.service 2>/dev/null || true ;;
      docker.io) systemctl --quiet disable docker.service docker.socket containerd.service 2>/dev/null || true ;;
      postgresql*) systemctl --quiet disable postgresql.service 2>/dev/null || true ;;
      mariadb-server) systemctl --quiet disable mariadb.service 2>/dev/null || true ;;
    esac
  done
}

for set in $SETS; do
  # MySQL is no package of Debian: the program that asked for it says what it needs.
  case $set in postgres | mariadb | mysql | faults | containers) ;; *) fail "setup.sh: unknown set \"$set\": postgres, mariadb, mysql, faults or containers" ;; esac
done
names=$(missing)
if [ -z "$names" ]; then exit 0; fi
list=$(echo "$names" | paste -sd' ' -)

command -v apt-get >/dev/null ||
  fail "these programs are missing, and there is no apt-get to install them with: $list" \
    'install them (by their own names, with the programs on PATH) and try again'
[ "$(id -u)" = 0 ] ||
  fail 'servers that this needs are not installed. As root, run:' \
    "  apt-get update && apt-get install --no-install-recommends $list"

exec 9>"$LOCK"
flock -w 1200 9 || fail "another set-up has held $LOCK for 20 minutes"
names=$(missing)
if [ -z "$names" ]; then exit 0; fi
trap allow_services EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
forbid_services

updated=no
for name in $names; do
  if ! is_known "$name" && [ "$updated" = no ]; then
    update_lists
    updated=yes
  fi
done
packages=
for name in $names; do
  if [ "$name" = postgresql ]; then name=$(newest_postgres); fi
  [ -n "$name" ] || fail 'the package lists have no PostgreSQL server: look at /etc/apt/sources.list'
  packages="$packages $name"
done
echo "haagent: installing$packages (no service is started) ..."
# The names hold no spaces: word splitting is wanted.
# shellcheck disable=SC2086
if ! install_packages $packages; then
  # Lists older than the mirror name files that are gone.
  [ "$updated" = no ] || fail 'apt-get install failed: its own message is above'
  update_lists
  # shellcheck disable=SC2086
  install_packages $packages || fail 'apt-get install failed: its own message is above'
fi
# shellcheck disable=SC2086
disable_units $packages
left=$(missing | paste -sd' ' -)
[ -z "$left" ] || fail "apt-get install said that it succeeded, but these are still not found on PATH: $left"
