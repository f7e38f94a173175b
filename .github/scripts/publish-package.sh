#!/usr/bin/env bash
# Publishes dist/, as buildPackage.ts left it, with the bill of its materials beside the release.
# Run by `npm run package:publish`. In: GH_TOKEN, GITHUB_REF, and the job's right to an identity, which vouches for the build.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(node -p 'require("./dist/package.json").version')
# A tag that is not the version would be a release of something else.
if [ "$GITHUB_REF" != "refs/tags/v$version" ]; then
  echo "package.json says $version: only the tag v$version releases it, not $GITHUB_REF." >&2
  exit 1
fi

# What this version changes, from its own heading of the changelog to the next.
notes=$(sed -n "/^## $(printf '%s' "$version" | sed 's/\./\\./g')\( \|\$\)/,/^## /p" CHANGELOG.md | sed '1d;/^## /d')
if [ -z "$notes" ]; then
  echo "CHANGELOG.md has no entry under \"## $version\"." >&2
  exit 1
fi
npm sbom --omit dev --package-lock-only --sbom-format cyclonedx >sbom.cdx.json
# Registries take a workflow's identity from npm 11.5 on; runners come with an older one.
npx --yes npm@11.21.2 publish ./dist --access public --provenance
gh release create "v$version" --verify-tag --title "$version" --notes "$notes" sbom.cdx.json
