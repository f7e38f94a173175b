#!/usr/bin/env bash
# Pushes the image that build-image.sh left. Run by `npm run image:publish`.
# In: GH_TOKEN, GITHUB_ACTOR, GITHUB_REPOSITORY, GITHUB_REF, GITHUB_SHA.
set -euo pipefail
image=${IMAGE:-grantgate:local}
repository="ghcr.io/${GITHUB_REPOSITORY,,}"

case "$GITHUB_REF" in
  refs/heads/main) tag=main ;;
  refs/tags/v[0-9]*) tag=${GITHUB_REF#refs/tags/v} ;;
  *) echo "No image is published for $GITHUB_REF." >&2; exit 1 ;;
esac
# What a registry takes as a tag; semantic versions with build metadata (+) are not.
if ! [[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]]; then
  echo "\"$tag\" cannot be the tag of an image." >&2
  exit 1
fi

# The login is kept in a folder of its own and goes with it.
DOCKER_CONFIG=$(mktemp -d "${RUNNER_TEMP:-/tmp}/docker.XXXXXX")
export DOCKER_CONFIG
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
printf '%s' "$GH_TOKEN" | docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin
unset GH_TOKEN
for name in "$repository:$GITHUB_SHA" "$repository:$tag"; do
  docker tag "$image" "$name"
  docker push "$name"
done
