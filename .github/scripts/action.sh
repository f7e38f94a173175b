#!/usr/bin/env bash
# What action.yml runs: one command in the workspace of another repository, with the program that lies beside this script.
# In: GRANTGATE_COMMAND and the other inputs, GITHUB_WORKSPACE, GITHUB_OUTPUT. Nothing of them is ever part of a script.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
cd "${GITHUB_WORKSPACE:?}"

fail() {
  printf '::error title=Grantgate::%s\n' "$1"
  exit 2
}
number() {
  case ${GRANTGATE_NUMBER:-} in '' | *[!0-9]* | ???????????*) fail "$GRANTGATE_COMMAND needs a number" ;; esac
}
token() {
  [ -n "${GRANTGATE_TOKEN:-}" ] || fail "$GRANTGATE_COMMAND needs a token"
}

root=${GRANTGATE_ROOT:-.}
case $root in /* | -* | ..* | */..*) fail 'root must be a folder of the workspace' ;; esac
case ${GRANTGATE_BASE:-} in -*) fail 'a branch or revision does not begin with a dash' ;; esac
out=${GRANTGATE_OUT:-}
case $out in -*) fail 'out must be a file' ;; esac

case ${GRANTGATE_COMMAND:-} in
check) set -- check "$root" ;;
build)
  [ -n "$out" ] || fail 'build needs out'
  set -- build --root "$root" --out "$out"
  ;;
check-pull)
  [ -n "${GRANTGATE_BASE:-}" ] || fail 'check-pull needs base, outside of a pull request'
  head=${GRANTGATE_HEAD:-}
  if [ -z "$head" ]; then
    # A runner checks out the merge of a pull request; its second parent is what was pushed.
    head=HEAD
    case ${GITHUB_EVENT_NAME:-} in pull_request*) git rev-parse --quiet --verify HEAD^2 >/dev/null && head='HEAD^2' ;; esac
  fi
  case $head in -*) fail 'a revision does not begin with a dash' ;; esac
  set -- check-pull "$GRANTGATE_BASE" "$head" --root "$root" --decisions "$GRANTGATE_DECISIONS"
  [ -z "$out" ] || set -- "$@" --out "$out"
  if [ -n "${GRANTGATE_TOKEN:-}" ]; then
    number
    set -- "$@" --pull "$GRANTGATE_NUMBER"
    case $GRANTGATE_BASE in origin/*) set -- "$@" --base "${GRANTGATE_BASE#origin/}" ;; esac
  fi
  ;;
post)
  token
  case ${GRANTGATE_FILE:-} in '' | -*) fail 'post needs file' ;; esac
  case ${GRANTGATE_HEAD:-} in '' | *[!0-9a-f]*) fail 'post needs head, the commit that was checked' ;; esac
  set -- check-pull --post "$GRANTGATE_FILE" --head "$GRANTGATE_HEAD"
  ;;
review)
  token
  set -- review --apply --root "$root" --decisions "$GRANTGATE_DECISIONS"
  ;;
answer)
  token
  number
  set -- review --answer "$GRANTGATE_NUMBER" --root "$root"
  ;;
request)
  token
  number
  set -- request --apply --issue "$GRANTGATE_NUMBER" --root "$root"
  ;;
*) fail 'command must be check, check-pull, post, review, answer, request or build' ;;
esac
case $GRANTGATE_COMMAND in
post | review | answer | request) [ -z "${GRANTGATE_BASE:-}" ] || set -- "$@" --base "${GRANTGATE_BASE#origin/}" ;;
esac

# The program's own packages, and opa, are seen to without the token.
(unset GRANTGATE_TOKEN && cd "$here" && node setup.js >&2)
[ -z "$out" ] || printf 'file=%s\n' "$(printf '%s' "$out" | tr -d '\r\n')" >>"${GITHUB_OUTPUT:-/dev/null}"
GITHUB_TOKEN=${GRANTGATE_TOKEN:-} exec "$here/node_modules/.bin/node" "$here/cli.ts" "$@"
