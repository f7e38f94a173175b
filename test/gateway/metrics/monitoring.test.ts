import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load as parseYaml } from 'js-yaml';
import { parseConfig } from '../../../gateway/config/config.ts';
import { openLimits } from '../../../gateway/limits/limits.ts';
import { createMetrics } from '../../../gateway/metrics/metrics.ts';
import { createMergedMetrics } from '../../../gateway/workers/mergedMetrics.ts';
import { trendsMetrics } from '../../../reviewer/trends/trendsMetrics.ts';
import { suite } from '../../_suite.ts';
import { parsePromql } from '../_promql.ts';

const test = suite('monitoring');

const folder = fileURLToPath(new URL('../../../gateway/deploy/monitoring', import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** Series → labels they have. */
async function known(): Promise<Map<string, readonly string[]>> {
  type Known = { name: string; type: string; labelNames: string[] };
  const metrics = createMetrics({ openRequests: () => 0 });
  const { limits } = parseConfig({ bundle: { source: 'git+file:///x' } }, '/gateway.yaml');
  (await openLimits({ config: limits, memory: undefined, metrics, log: {} as never })).close();
  const { registry } = metrics;
  const workers = createMergedMetrics(() => ({})).registry;
  const all = [...registry.getMetricsAsArray(), ...workers.getMetricsAsArray()];
  const told = all as unknown as (Known & { constructor: { name: string } })[];
  return new Map(
    told.flatMap((metric): [string, readonly string[]][] =>
      'buckets' in metric || 'upperBounds' in metric
        ? [
            [`${metric.name}_bucket`, [...metric.labelNames, 'le']],
            [`${metric.name}_sum`, metric.labelNames],
            [`${metric.name}_count`, metric.labelNames],
          ]
        : [[metric.name, metric.labelNames]],
    ),
  );
}
const series = await known();
/** Prometheus adds these to whatever it scrapes; `environment` by its configuration, as docs/operations.md says. */
const added = ['instance', 'job', 'environment'];
// Of reviews, which another program tells.
const run = { date: '2026-11-27', as_of: '2026-11-27T00:00:00Z', revision: null, grants: 1, people: 1 };
const told = await trendsMetrics([
  {
    ...{ ...run, coverage: 1, unused: 0, findings: { dormant: 1 }, age: { oldest: 1, median: 1 } },
    ...{ reverted: 0, unattested: 0 },
  },
]);
for (const [, name = ''] of told.matchAll(/^# TYPE (\S+) gauge$/gm)) series.set(name, ['detector', 'of']);
// Prometheus' own, of each target.
series.set('up', []);

/** What is wrong with an expression, as sentences. */
function problems(expression: string): string[] {
  const { selected, grouped } = parsePromql(expression);
  const found: string[] = [];
  if (selected.length === 0) found.push('asks for no series');
  for (const { name, matchers } of selected) {
    const labels = series.get(name);
    if (labels === undefined) found.push(`no such series: ${name}`);
    for (const { label } of matchers)
      if (labels !== undefined && ![...labels, ...added].includes(label))
        found.push(`${name} has no label ${label}`);
  }
  const all = [...added, ...selected.flatMap(({ name }) => series.get(name) ?? [])];
  for (const label of grouped) if (!all.includes(label)) found.push(`nothing here has a label ${label}`);
  return found;
}

type Rule = {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: Record<string, string>;
};
const { groups } = parseYaml(read('alerts.yaml')) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap(({ rules: of }) => of);
type Panel = {
  id: number;
  title: string;
  type: string;
  targets?: { expr: string; legendFormat: string }[];
  gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
};
const dashboard = JSON.parse(read('dashboard.json')) as {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
  annotations: { list: { expr: string }[] };
};
/** Grafana's variables as what it puts there. */
const plain = (expression: string) => expression.replaceAll('$__rate_interval', '5m');

test('the check itself finds a wrong series, a wrong label and a wrong grouping', () => {
  assert.deepEqual(problems('sum by (api) (rate(grantgate_requests_total{outcome="denied"}[5m])) > 0'), []);
  assert.deepEqual(problems('rate(grantgate_request_total[5m])'), [
    'no such series: grantgate_request_total',
  ]);
  assert.deepEqual(problems('grantgate_decision_seconds'), ['no such series: grantgate_decision_seconds']);
  assert.deepEqual(problems('grantgate_requests_total{verb="x"}'), [
    'grantgate_requests_total has no label verb',
  ]);
  assert.deepEqual(problems('sum by (reason) (grantgate_bundle_grants)'), [
    'nothing here has a label reason',
  ]);
  assert.deepEqual(problems('sum(grantgate_bundle_grants) without (le)'), ['nothing here has a label le']);
  assert.deepEqual(problems('time() > 1e3'), ['asks for no series']);
  assert.throws(() => problems('grantgate_bundle_grants & 1'));
});

/** What a heading of a page can be linked by. */
const anchors = (page: string) =>
  [...readFileSync(join(folder, '../../..', page), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

test('revisions are compared within an environment, and one gateway that is gone is missed', () => {
  const exprOf = (name: string) => rules.find(({ alert }) => alert === name)?.expr ?? '';
  const compared = parsePromql(exprOf('GrantgateRevisionsDiffer'));
  assert.deepEqual([...new Set(compared.grouped)], ['environment']);
  assert.deepEqual([...new Set(parsePromql(exprOf('GrantgateFewer')).grouped)], ['environment', 'job']);
  const missed = exprOf('GrantgateAbsent');
  assert.deepEqual([...new Set(parsePromql(missed).grouped)], ['environment', 'job']);
  assert.match(missed, /\bup\{[^}]*\}\) == 0/);
});

// A restart forgets when things last went well: what has no time of that yet, or 0, is no less gone.
test('a gateway that has not once seen its source, or the keys of an issuer, since it started is missed too', async () => {
  const { registry, keysFetched } = createMetrics({ openRequests: () => 0 });
  keysFetched('https://login.example.com', 'refused', 0);
  const told = await registry.metrics();
  assert.match(told, /^grantgate_bundle_checked_timestamp_seconds 0$/m);
  assert.match(told, /^grantgate_jwks_fetches_total\{issuer="[^"]+",result="failed"\} 1$/m);
  assert.doesNotMatch(told, /^grantgate_jwks_fetched_timestamp_seconds\{/m);
  const exprOf = (name: string) => rules.find(({ alert }) => alert === name)?.expr ?? '';
  const never = 'or min by (instance) (grantgate_bundle_checked_timestamp_seconds) == 0';
  assert.ok(exprOf('GrantgateBundleStale').endsWith(never));
  const lately = '(time() - grantgate_jwks_fetched_timestamp_seconds) <= 1200';
  assert.ok(exprOf('GrantgateIssuerKeysFailing').endsWith(`unless min by (instance, issuer) ${lately}`));
});

// What `promtool check metrics` says of names: types and abbreviated units are not part of one.
test('the names of metrics are as Prometheus would have them', () => {
  for (const name of series.keys()) {
    if (!name.startsWith('grantgate_')) continue;
    assert.doesNotMatch(name, /_(?:counter|gauge|histogram|summary|untyped)(?:_|$)/, name);
    assert.doesNotMatch(
      name,
      /_(?:ms|s|sec|secs|us|ns|milliseconds|minutes|hours|kb|mb|gb)(?:_total)?$/,
      name,
    );
    assert.match(name, /^[a-z_]+$/, name);
  }
});

test('every alert rule asks for what the gateway tells, and says what to do about it', () => {
  assert.ok(rules.length >= 10);
  assert.ok(series.has('grantgate_review_timestamp_seconds'));
  for (const { alert, expr, for: during, labels, annotations } of rules) {
    assert.deepEqual(problems(expr), [], `${alert}: ${expr}`);
    assert.match(alert, /^Grantgate[A-Z][A-Za-z]+$/);
    assert.match(labels.severity, /^(?:critical|warning)$/, alert);
    assert.match(during ?? '1m', /^\d+[mh]$/, alert);
    // A label that the expression does not keep would come out empty.
    const kept = parsePromql(expr).grouped;
    for (const text of Object.values(annotations))
      for (const [, label = ''] of text.matchAll(/\$labels\.(\w+)/g))
        assert.ok(kept.includes(label), `${alert}: ${label}`);
    assert.ok((annotations.summary ?? '').length > 0, alert);
    const [, page = '', anchor = ''] =
      /\/blob\/main\/(docs\/\w+\.md)#([\w-]+)$/.exec(annotations.runbook_url ?? '') ?? [];
    assert.ok(anchors(page).includes(anchor), `${alert}: ${annotations.runbook_url}`);
  }
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});

type Scenario = {
  name: string;
  input_series: { series: string; values: string }[];
  promql_expr_test: { expr: string; exp_samples?: { labels: string }[] }[];
};
const { tests: scenarios } = parseYaml(read('alerts.scenarios.yaml')) as { tests: Scenario[] };

test('the tests of the rules feed them what the gateway tells, and see each ring and be silent', () => {
  const asked = scenarios.map(({ input_series: input }) =>
    input.flatMap(({ series: text }) => parsePromql(text).selected),
  );
  for (const { name, matchers } of asked.flat()) {
    const labels = series.get(name) ?? assert.fail(name);
    for (const { label } of matchers) assert.ok([...labels, ...added].includes(label), `${name}: ${label}`);
  }
  // The day on which all is well has all that any rule asks for.
  const well = new Set(asked[0]?.map(({ name }) => name));
  for (const { alert, expr } of rules)
    for (const { name } of parsePromql(expr).selected) assert.ok(well.has(name), `${alert}: ${name}`);
  for (const { exp_samples: rings } of scenarios[0]?.promql_expr_test ?? []) assert.equal(rings, undefined);
  const ringing = scenarios.flatMap(({ promql_expr_test: looks }) =>
    looks.flatMap(({ exp_samples: rings = [] }) => rings.map(({ labels }) => labels)),
  );
  assert.deepEqual([...new Set(ringing)].sort(), rules.map(({ alert }) => `{alertname="${alert}"}`).sort());
  for (const { name, promql_expr_test: looks } of scenarios)
    assert.ok(
      looks.some(({ exp_samples: rings }) => rings === undefined),
      name,
    );
});

test('the rules ring as their tests say, where promtool is installed', () => {
  if (spawnSync('promtool', ['--version']).error !== undefined) return;
  const { status, stdout } = spawnSync('promtool', ['test', 'rules', 'alerts.scenarios.yaml'], {
    ...{ cwd: folder, encoding: 'utf8' },
  });
  assert.equal(status, 0, stdout);
});

test('every panel of the dashboard asks for what the gateway tells', () => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  assert.ok(panels.length >= 15);
  const kept = /\{\{(\w+)\}\}/g;
  for (const { title, targets = [] } of panels) {
    assert.ok(targets.length > 0, title);
    for (const { expr, legendFormat } of targets) {
      assert.deepEqual(problems(plain(expr)), [], `${title}: ${expr}`);
      const { grouped, selected } = parsePromql(plain(expr));
      const labels =
        grouped.length > 0 ? grouped : [...added, ...selected.flatMap(({ name }) => series.get(name) ?? [])];
      for (const [, label = ''] of legendFormat.matchAll(kept))
        assert.ok(labels.includes(label), `${title}: ${label}`);
    }
  }
  for (const { expr } of dashboard.annotations.list) assert.deepEqual(problems(expr), []);
  const variables = dashboard.templating.list.map(({ name }) => name);
  const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{?([a-z]\w*)/g)].map(
    ([, name]) => name ?? '',
  );
  for (const name of new Set(used)) assert.ok(variables.includes(name), name);
  for (const { name, definition } of dashboard.templating.list) {
    if (definition === undefined) continue;
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
    assert.ok([...(series.get(metric) ?? []), ...(series.has(metric) ? added : [])].includes(label), name);
  }
});

test('no two panels of the dashboard share a number or a place', () => {
  const { panels } = dashboard;
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let { x } = gridPos; x < gridPos.x + gridPos.w; x += 1)
      for (let { y } = gridPos; y < gridPos.y + gridPos.h; y += 1) {
        assert.equal(taken.has(`${x} ${y}`), false, title);
        taken.add(`${x} ${y}`);
      }
  }
});
