#!/usr/bin/env bash
# Builds the bundle of the commit that is checked out, signs it and verifies it. Run by `npm run bundle:sign`.
# In: BUNDLE_SIGNING_KEY (a private key in PEM form), RUNNER_TEMP. Out: RUNNER_TEMP/bundle.tar.gz and bundle.json.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${RUNNER_TEMP:-.grantgate}
mkdir -p "$out"

if [ -z "${BUNDLE_SIGNING_KEY:-}" ]; then
  echo 'The secret BUNDLE_SIGNING_KEY is not set; an unsigned bundle is not published.' >&2
  exit 1
fi
folder=$(mktemp -d "$out/signing.XXXXXX")
trap 'rm -rf "$folder"' EXIT
(umask 077 && printf '%s\n' "$BUNDLE_SIGNING_KEY" >"$folder/key.pem")
# The programs started from here on get the key as a file only.
unset BUNDLE_SIGNING_KEY

rm -f "$out/bundle.tar.gz" "$out/bundle.json"
node cli.ts build --out "$folder/bundle.tar.gz" --key "$folder/key.pem"
node cli.ts verify "$folder/bundle.tar.gz" --key "$folder/key.pem" --json |
  node -e 'const { file, ...facts } = JSON.parse(fs.readFileSync(0, "utf8")); console.log(JSON.stringify(facts, null, 2))' \
    >"$folder/bundle.json"
# What stands at the final place is whole and verified.
mv "$folder/bundle.tar.gz" "$folder/bundle.json" "$out/"
cat "$out/bundle.json"
