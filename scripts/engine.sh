#!/bin/sh
# Lends a Docker engine: prints the address of one that answers as its only line of output, and keeps it until standard
# input ends. Uses the engine that `docker info` finds; where there is none and this is Debian as root, installs docker.io
# and starts a daemon of its own, which ends by itself once nobody has borrowed it for a while.
#
#   sh scripts/engine.sh              lend
#   sh scripts/engine.sh supervise    (for itself) run the daemon and end it when it is no longer borrowed
#
# The own daemon has its images in /var/lib/haagent-docker, its sockets in /run/haagent-docker, no default bridge and no
# hand in the firewall: containers reach each other and this machine, and nothing else.
set -eu

PATH="$PATH:/usr/sbin:/sbin"
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
DATA=/var/lib/haagent-docker
RUN=/run/haagent-docker
SOCKET=unix://$RUN/docker.sock
IDLE_CHECKS=12
CHECK_SECONDS=5

fail() {
  printf 'haagent: %s\n' "$@" >&2
  exit 1
}

answers() {
  command -v docker >/dev/null && DOCKER_HOST=$1 timeout 10 docker info >/dev/null 2>&1
}

# Whoever borrows the daemon holds a shared lock on this file; the kernel gives it back when the borrower dies.
supervise() {
  dockerd --host "$SOCKET" --data-root "$DATA" --exec-root "$RUN/exec" --pidfile "$RUN/dockerd.pid" \
    --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --log-level warn &
  daemon=$!
  trap 'kill "$daemon" 2>/dev/null; wait "$daemon" || true; exit 143' TERM INT HUP
  idle=0
  exec 8>"$RUN/borrowers"
  while kill -0 "$daemon" 2>/dev/null; do
    sleep "$CHECK_SECONDS"
    if flock -n -x 8; then idle=$((idle + 1)); else idle=0; fi
    # Once it is decided the lock is kept: who wants to borrow now waits for the end and starts anew.
    if [ "$idle" -ge "$IDLE_CHECKS" ]; then break; fi
    flock -u 8
  done
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" || true
}

start_own() {
  [ "$(id -u)" = 0 ] || fail 'no Docker engine answers (docker info), and only root can start one'
  sh "$root/scripts/setup.sh" containers >&2
  mkdir -p "$RUN" "$DATA"
  exec 7>"$RUN/starting" 8>"$RUN/borrowers"
  flock -w 120 -s 8 || fail "the engine at $SOCKET has been ending for two minutes: see $RUN/dockerd.log"
  flock -w 120 7 || fail "another start of the engine at $SOCKET has taken two minutes: see $RUN/dockerd.log"
  if answers "$SOCKET"; then
    flock -u 7
    return
  fi
  echo 'haagent: starting a Docker engine ...' >&2
  setsid sh "$0" supervise <&- >"$RUN/dockerd.log" 2>&1 7>&- 8>&- &
  supervisor=$!
  tries=0
  until answers "$SOCKET"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 120 ] || ! kill -0 "$supervisor" 2>/dev/null; then
      tail -n 5 "$RUN/dockerd.log" >&2
      fail "dockerd did not come up (its log: $RUN/dockerd.log): it needs root with the right to mount and to make namespaces"
    fi
    sleep 0.5
  done
  flock -u 7
}

if [ "${1-}" = supervise ]; then
  supervise
  exit 0
fi
if answers "${DOCKER_HOST-}"; then
  address=$(docker context inspect --format '{{.Endpoints.docker.Host}}')
else
  start_own
  address=$SOCKET
fi
echo "$address"
exec cat >/dev/null
