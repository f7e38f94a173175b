type Entry = readonly [text: string, page: string];
type Group = readonly [heading: string, entries: readonly Entry[]];

/** Every page of the site where it is looked for, by what its reader wants. */
export const navigation: readonly Group[] = [
  ['Tutorial', [['An API of your own in fifteen minutes', 'docs/tutorial.md']]],
  [
    'How to',
    [
      ['Guide: from a repository to reviewed access', 'docs/guide.md'],
      ['Keep the proxy you have', 'docs/proxies.md'],
      ['Connect an identity provider', 'docs/identity-providers.md'],
      ['Sync people and groups', 'docs/sync.md'],
      ['Choose a source of bundles', 'docs/sources.md'],
      ['Migrate from nginx + OPA, Oathkeeper, Kong', 'docs/migrating.md'],
      ['Review a change', 'docs/changes.md'],
      ['Write a policy', 'docs/policy.md'],
      ['Operate', 'docs/operations.md'],
      ['Act in an incident', 'docs/incidents.md'],
      ['Look at access: the console', 'docs/console.md'],
    ],
  ],
  [
    'Examples',
    [
      ['All of them', 'examples/README.md'],
      ['Behind a proxy', 'examples/behind-a-proxy/README.md'],
      ['nginx', 'examples/nginx/README.md'],
      ['Caddy', 'examples/caddy/README.md'],
      ['Envoy', 'examples/envoy/README.md'],
      ['Traefik', 'examples/traefik/README.md'],
      ['Envoy Gateway', 'examples/envoy-gateway/README.md'],
      ['Istio', 'examples/istio/README.md'],
      ['Docker Compose', 'examples/compose/README.md'],
      ['GitHub Actions without secrets', 'examples/github-actions-oidc/README.md'],
      ['An OPA server', 'examples/opa-server/README.md'],
    ],
  ],
  [
    'Reference',
    [
      ['Commands', 'docs/reference/commands.md'],
      ['Files under grants/', 'docs/reference/grants.md'],
      ['gateway.yaml', 'docs/reference/gateway.md'],
      ['Codes', 'docs/reference/codes.md'],
      ['Metrics', 'docs/reference/metrics.md'],
      ['Decision records and usage', 'docs/records.md'],
      ['Detectors', 'docs/detectors.md'],
      ['Changelog', 'CHANGELOG.md'],
    ],
  ],
  [
    'Explanation',
    [
      ['Concepts', 'docs/concepts.md'],
      ['Design', 'docs/design.md'],
      ['Threats', 'docs/threats.md'],
      ['Compared with others', 'docs/comparison.md'],
      ['Security', '.github/SECURITY.md'],
      ['Contributing', '.github/CONTRIBUTING.md'],
    ],
  ],
];

/** Where a page of the repository is on the site: a path below its root, without the extension. */
export const placeOf = (page: string): string =>
  page
    .replace(/^docs\//, '')
    .replace(/^\.github\//, '')
    .replace(/README\.md$/, 'index')
    .replace(/\.md$/, '')
    .toLowerCase();
