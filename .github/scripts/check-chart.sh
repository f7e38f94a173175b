#!/usr/bin/env bash
# Lints the Helm chart and renders it with everything switched on. Run by `npm run chart:check`; needs helm.
set -euo pipefail
cd "$(dirname "$0")/../../gateway/deploy/helm"
all=(--set autoscaling.enabled=true,serviceMonitor.enabled=true,keys.existingSecret=keys
  --set 'networkPolicy.operators[0].podSelector.matchLabels.app=prometheus'
  --set 'networkPolicy.egress[0].to[0].ipBlock.cidr=10.0.0.0/8')
helm lint --strict grantgate
helm lint --strict grantgate "${all[@]}"
helm template access grantgate "${all[@]}" >/dev/null
# What is no value is refused, and so is a configuration without a source.
for wrong in replica=3 config.bundle=null persistence.size=much; do
  if helm template access grantgate --set "$wrong" >/dev/null 2>&1; then
    echo "the chart takes --set $wrong" >&2
    exit 1
  fi
done
