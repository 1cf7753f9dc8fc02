#!/bin/sh
# Runs a TypeScript entry of this project after making sure that everything it needs is there:
#   sh scripts/run.sh demo|test|bench|chaos [argument ...]
#   sh scripts/run.sh setup                             only makes sure
# On a fresh Debian (12 or newer, root, Node.js with npm) that means system packages, npm packages and a build;
# the second time it takes a fraction of a second.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
# The database and proxy servers live where root's PATH looks and a user's may not.
PATH="$PATH:/usr/sbin:/sbin"

fail() {
  printf 'haagent: %s\n' "$@" >&2
  exit 1
}

# Everything but our own node_modules/.bin, which npm puts first and `npm ci` empties while it runs.
path_outside() {
  printf '%s' "$PATH" | tr ':' '\n' | grep -v "^$root/node_modules/.bin\$" | paste -sd: -
}

install_npm_packages() {
  wanted=$(cksum <package-lock.json)
  stamp=node_modules/.haagent-installed
  if [ -x node_modules/.bin/node ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then return; fi
  command -v npm >/dev/null || fail 'npm is missing: install Node.js with npm (Debian: apt-get install nodejs npm)'
  echo 'haagent: installing npm packages (npm ci) ...'
  (
    PATH=$(path_outside)
    export PATH
    timeout 600 npm ci --include=dev --no-audit --no-fund --loglevel=error
  ) || fail 'npm ci failed: is the package registry reachable? Its own message is above.'
  [ -x node_modules/.bin/node ] ||
    fail 'npm ci did not bring Node.js 24 (package "node"): are install scripts switched off (npm config get ignore-scripts)?'
  printf '%s' "$wanted" >"$stamp"
}

build() {
  if [ -e dist/.built ] && [ -z "$(find src tsconfig.json tsconfig.build.json package-lock.json -newer dist/.built -print -quit)" ]; then
    return
  fi
  echo 'haagent: building ...'
  mkdir -p dist
  touch dist/.building
  timeout 300 tsc -p tsconfig.build.json || fail 'the build failed: the messages above name files and lines'
  mv dist/.building dist/.built
}

case ${1-} in
  demo) entry=chaos/demo.ts ;;
  bench) entry=chaos/bench/main.ts ;;
  chaos) entry=chaos/main.ts ;;
  test) entry=scripts/test.ts ;;
  setup) entry= ;;
  *) fail 'usage: sh scripts/run.sh demo|test|bench|chaos|setup [argument ...]' ;;
esac
shift

# Tests need every engine that Debian has; everything else the one that it names.
case "$entry $* " in
  scripts/test.ts* | "  ") engines='postgres mariadb faults' ;;
  chaos/main.ts*'--engine mariadb '* | chaos/main.ts*'--engine=mariadb '*) engines='mariadb faults' ;;
  chaos/main.ts*'--engine mysql '* | chaos/main.ts*'--engine=mysql '*) engines='mysql faults' ;;
  chaos/main.ts*) engines='postgres faults' ;;
  *'--engine mariadb '* | *'--engine=mariadb '*) engines=mariadb ;;
  *'--engine mysql '* | *'--engine=mysql '*) engines=mysql ;;
  *) engines=postgres ;;
esac
# The names hold no spaces: word splitting is wanted.
# shellcheck disable=SC2086
sh scripts/setup.sh $engines
mkdir -p .cache
exec 9>.cache/setup.lock
flock -w 900 9 || fail 'another set-up of this checkout has held .cache/setup.lock for 15 minutes'
install_npm_packages
PATH="$root/node_modules/.bin:$PATH"
export PATH
build
flock -u 9
exec 9>&-
[ -n "$entry" ] || exit 0
exec node "$entry" "$@"
