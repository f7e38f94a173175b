#!/usr/bin/env bash
# Lints the Helm chart and renders it with everything switched on. Run by `npm run chart:check`; needs helm.
set -euo pipefail
cd "$(dirname "$0")/../../gateway/deploy/helm"
all=(--set autoscaling.enabled=true,serviceMonitor.enabled=true,keys.existingSecret=keys
  --set 'networkPolicy.operators[0].podSelector.matchLabels.app=prometheus'
  --set 'config.decision_point.forward_auth.trusted_proxies={10.244.0.0/16}'
  --set 'networkPolicy.egress[0].to[0].ipBlock.cidr=10.0.0.0/8')
version=(--kube-version 1.31.0) # what it is rendered for, where there is no cluster
helm lint --strict "${version[@]}" grantgate
helm lint --strict "${version[@]}" grantgate "${all[@]}"
helm template "${version[@]}" access grantgate "${all[@]}" >/dev/null
# What is no value is refused, and so is a configuration without a source.
for wrong in replica=3 config.bundle=null persistence.size=much; do
  if helm template "${version[@]}" access grantgate --set "$wrong" >/dev/null 2>&1; then
    echo "the chart takes --set $wrong" >&2
    exit 1
  fi
done
