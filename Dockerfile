# haagent with the PostgreSQL server of the base image's own packages.
#
#   docker build -t haagent .
#   docker build -t haagent --build-arg BASE=debian:trixie-slim .
#
# Run it with a configuration at /etc/haagent/haagent.yml (data_dir, state_dir and run_dir below /var/lib/haagent and
# /run/haagent; os_user unset: everything in here runs as postgres) and a volume at /var/lib/haagent.

ARG BASE=debian:bookworm-slim

# The database server without the agent.
FROM ${BASE} AS server
# tini reaps what the agent's children leave; create_main_cluster: the agent makes the data directory itself.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
 && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/haagent.conf \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql tini \
 && rm -rf /var/lib/apt/lists/*

FROM ${BASE} AS build
WORKDIR /build
ARG NPM_REGISTRY=https://registry.npmjs.org/
# Authorities that the base image has besides the usual ones are trusted here too.
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
# Debian's Node.js only runs npm: the lock file brings the one that builds and runs haagent.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates nodejs npm \
 && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json ./
RUN npm ci --registry="$NPM_REGISTRY" --include=dev --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN PATH="/build/node_modules/.bin:$PATH" tsc -p tsconfig.build.json \
 && cp -L node_modules/.bin/node /node \
 && npm prune --omit=dev --no-audit --no-fund

FROM server
COPY --from=build /node /opt/haagent/bin/node
COPY --from=build /build/node_modules /opt/haagent/node_modules
COPY --from=build /build/dist /opt/haagent/dist
COPY package.json LICENSE* /opt/haagent/
RUN ln -s /opt/haagent/bin/node /usr/local/bin/node \
 && printf '#!/bin/sh\nexec node --max-semi-space-size=1 --v8-pool-size=1 --no-parallel-scavenge --no-maglev --no-sparkplug /opt/haagent/dist/bin/haagent.js "$@"\n' >/usr/local/bin/haagent \
 && printf '#!/bin/sh\nexec node /opt/haagent/dist/bin/haagentctl.js "$@"\n' >/usr/local/bin/haagentctl \
 && chmod 755 /usr/local/bin/haagent /usr/local/bin/haagentctl \
 && install -d -o postgres -g postgres -m 0700 /var/lib/haagent /run/haagent \
 && install -d -m 0755 /etc/haagent

# Compiled code is kept in the volume: a restarted agent is back in half the time.
ENV NODE_COMPILE_CACHE=/var/lib/haagent/compile-cache
# Where the agent ends, the container ends, and the database with it: hand over and stop it first (`--stop-timeout 60`).
STOPSIGNAL SIGINT
USER postgres
WORKDIR /var/lib/haagent
VOLUME /var/lib/haagent
EXPOSE 5432 8010
# Alive, not healthy: a replica that is being cloned must not be restarted for it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8010/liveness', { signal: AbortSignal.timeout(2000) }).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "haagent"]
CMD ["run", "--config", "/etc/haagent/haagent.yml"]
