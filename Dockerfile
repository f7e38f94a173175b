# One image for every command: `serve` is the default, `check`, `build`, `verify` and `review` are given as arguments.
#
#   docker build --tag grantgate .
#   docker run --init --read-only --cap-drop ALL --security-opt no-new-privileges \
#     --volume "$PWD/gateway.yaml:/etc/grantgate/gateway.yaml:ro" --volume grantgate:/var/lib/grantgate \
#     --publish 8080:8080 grantgate
#
# In that gateway.yaml `listen.host` is 0.0.0.0, and `state`, `decisions.folder` and `decisions.usage` lie below
# /var/lib/grantgate. A repository is mounted for `check` or `build` with `--user "$(id -u)"`: Git reads one for its owner.
#
# Images are pinned by version. Their digests are not known to whoever wrote this file: add `@sha256:…` to the three
# FROM lines once you have resolved them in a registry you trust.
# A test holds the versions of Node and opa to those the rest of the repository uses.

FROM openpolicyagent/opa:1.20.2-static AS opa

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No package that runs in production has an install script to run.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
# Git reads grants from repositories, OpenSSH checks who signed commits. What only installs packages goes, for nothing is installed at run time.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
  && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /opt/yarn-* \
    /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg \
  && install -d -m 0700 -o 65532 -g 65532 /var/lib/grantgate
WORKDIR /app
COPY --from=opa /opa /usr/local/bin/opa
COPY --from=packages /app/node_modules ./node_modules
COPY package.json cli.ts ./
COPY bundle ./bundle
COPY commands ./commands
COPY gateway ./gateway
COPY policies ./policies
COPY reviewer ./reviewer

# Everything that is ever written lies below /var/lib/grantgate, so the root file system can be read-only. TMPDIR is the
# volume itself and no folder in it: a volume that starts empty would not have that folder. No code comes from there:
# what Node compiles is not kept.
ENV NODE_ENV=production \
  NODE_DISABLE_COMPILE_CACHE=1 \
  OPA_PATH=/usr/local/bin/opa \
  HOME=/var/lib/grantgate \
  XDG_CACHE_HOME=/var/lib/grantgate/cache \
  TMPDIR=/var/lib/grantgate \
  GRANTGATE_HEALTH=http://127.0.0.1:9090/health/live

# A number, because `runAsNonRoot` in Kubernetes cannot judge a name.
USER 65532:65532
VOLUME ["/var/lib/grantgate"]
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# Set GRANTGATE_HEALTH when the admin listener has another port. Readiness (`/health/ready`) is for what routes traffic:
# a gateway without a bundle is to be waited for, not restarted.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.GRANTGATE_HEALTH).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/cli.ts"]
CMD ["serve", "--config", "/etc/grantgate/gateway.yaml"]
