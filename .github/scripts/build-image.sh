#!/usr/bin/env bash
# Builds the image and tries it out as it is meant to run: read-only, without network, as an ordinary user.
# Run by `npm run image:build`. In, all optional: IMAGE, GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_SHA.
set -euo pipefail
cd "$(dirname "$0")/../.."
image=${IMAGE:-grantgate:local}

docker build --pull --tag "$image" \
  --label "org.opencontainers.image.source=${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}" \
  --label "org.opencontainers.image.revision=${GITHUB_SHA:-}" \
  --label org.opencontainers.image.licenses=Apache-2.0 .

run() {
  docker run --rm --init --read-only --network none --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /var/lib/grantgate:mode=1777 "$@"
}
run "$image" --version
# Git reads a repository only for its owner, hence the user. This compiles the policies too, so opa is tried with it.
run --user "$(id -u):$(id -g)" --volume "$PWD:/repository:ro" "$image" check /repository
