#!/usr/bin/env bash
# Checks what the pull request that is checked out would merge, and writes what it found to .grantgate/check.json. Run by
# `npm run check:pull`. In: BASE.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .grantgate
# A runner checks out the merge of a pull request; its second parent is what was pushed, and what the event names. In a merge
# queue it is what would be merged.
head=$(git rev-parse HEAD)
case ${GITHUB_EVENT_NAME:-pull_request} in pull_request*) head=$(git rev-parse --quiet --verify 'HEAD^2' || echo "$head") ;; esac
node cli.ts check-pull "$BASE" "$head" --out .grantgate/check.json
