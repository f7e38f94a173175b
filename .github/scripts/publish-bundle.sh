#!/usr/bin/env bash
# Publishes what sign-bundle.sh left as assets of the release `bundle`. Run by `npm run bundle:publish`.
# In: RUNNER_TEMP, GH_TOKEN, GITHUB_REPOSITORY, GITHUB_SHA.
# Gateways refuse a bundle older than the one they have, so a run that was overtaken does no harm.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${RUNNER_TEMP:-.grantgate}
for file in bundle.tar.gz bundle.json; do
  [ -s "$out/$file" ] || { echo "There is no $out/$file: npm run bundle:sign comes first." >&2; exit 1; }
done

if ! gh release view bundle --repo "$GITHUB_REPOSITORY" >/dev/null 2>&1; then
  gh release create bundle --repo "$GITHUB_REPOSITORY" --target "$GITHUB_SHA" --latest=false --prerelease \
    --title 'Signed bundle of main' \
    --notes 'Replaced at every merge. bundle.json says which commit bundle.tar.gz was built from.'
fi
gh release upload bundle "$out/bundle.tar.gz" "$out/bundle.json" --repo "$GITHUB_REPOSITORY" --clobber
