import { type Detector, detector, recommendation } from '../../../bundle/grants/names.ts';
import type { Plan } from '../../../reviewer/plan/finding.ts';
import { asOfMs, dayMs, daysAgo, type Files, grantEntry, logLines, type Place, place } from '../_review.ts';
import { cases } from './_cases.ts';
import {
  emptyOrganisation,
  logged,
  moments,
  type Organisation,
  type Planted,
  type Since,
  thresholds,
} from './_planted.ts';

/** An organisation with known truth in Git, and the logs of its gateways. */
export type Truth = {
  here: Place;
  planted: readonly Planted[];
  /** The lines of each instance. */
  logs: ReadonlyMap<string, readonly string[]>;
  /** Asks for so much coverage from now on. */
  ask: (coverage: number) => Promise<void>;
};

const syncs: Readonly<Record<string, readonly number[]>> = {
  okta: [40, 12, 5, 1.3, 0.2],
  entra: [40, 0.9, 0.1],
};

const at = <T>(since: Since<T>, days: number): T | null =>
  since.reduce<T | null>((known, [from, is]) => (from >= days ? is : known), null);

const apiText = (name: string, { tier, operations }: { tier: string; operations: readonly string[] }) =>
  `api: ${name}
description: What ${name} does
owner: group:desk
tier: ${tier}
upstream: http://${name}.internal:8080
route: { prefix: /${name} }
operations: { ${operations.map((operation) => `${operation}: GET /v1/${operation}`).join(', ')} }
roles: { reader: [${operations[0]}], admin: [${operations.join(', ')}] }
`;

function directoryText({ people, groups }: Organisation, provider: string, days: number): string {
  const lines = people.flatMap(({ login, provider: of, is }) => {
    const person = of === provider ? at(is, days) : null;
    if (person === null) return [];
    const { id = `id-${login}`, status = 'active', manager } = person;
    return [
      `  - { login: ${login}, id: "${id}", status: ${status}${manager ? `, manager: ${manager}` : ''} }`,
    ];
  });
  const teams = [...groups].flatMap(([name, is]) => {
    const members = provider === 'okta' ? at(is, days) : null;
    return members === null
      ? []
      : [`  - { name: ${name}, members: [${members.map((one) => `"${one}"`).join(', ')}] }`];
  });
  const list = (key: string, items: readonly string[]) =>
    items.length === 0 ? `${key}: []` : [`${key}:`, ...items].join('\n');
  return `provider: ${provider}\nsynced: ${daysAgo(days)}\ncomplete: true\n${list('people', lines)}\n${list('groups', teams)}\n`;
}

/** What is in the repository after the moment of so many days ago; null is not there. */
function filesAt(organisation: Organisation, days: number): Files {
  const { services } = organisation;
  const files: Record<string, string | null> = {};
  for (const { id, api, principal, owner, rest } of organisation.planted) {
    const path = `grants/access/${api}/team-${Number(id.slice(6)) % 7}.yaml`;
    const now = at(rest, days);
    files[path] ??= null;
    if (now !== null)
      files[path] = `${files[path] ?? ''}${grantEntry({ id, principal, api, owner, rest: now })}`;
  }
  for (const [provider, times] of Object.entries(syncs))
    if (times.includes(days))
      files[`grants/directory/${provider}.yaml`] = directoryText(organisation, provider, days);
  if (days === 40 || [...services.values()].some((since) => since.some(([from]) => from === days)))
    files['grants/directory/services.yaml'] = servicesText(services, days);
  return files;
}

function servicesText(services: Organisation['services'], days: number): string {
  const lines = [...services].flatMap(([name, since]) => {
    const known = at(since, days);
    return known === null
      ? []
      : [`  - { name: ${name}, owner: "${known.owner}", state: ${known.state ?? 'active'} }`];
  });
  return lines.length === 0 ? 'services: []\n' : `services:\n${lines.join('\n')}\n`;
}

const reviewFile = ({ duties }: Organisation, coverage = 0.95): Files => ({
  'grants/review.yaml': `thresholds: ${JSON.stringify({ ...thresholds, coverage })}
separation_of_duties:
${duties
  .map(
    ({ name, api, left, right }) =>
      `  - { name: ${name}, left: { api: ${api}, operations: [${left}] }, right: { api: ${api}, operations: [${right}] } }`,
  )
  .join('\n')}
evidence: { instances: [gw-1, gw-2] }
`,
});

function constant(organisation: Organisation): Files {
  const { apis } = organisation;
  return {
    ...Object.fromEntries([...apis].map(([name, api]) => [`grants/apis/${name}.yaml`, apiText(name, api)])),
    'grants/networks.yaml': 'office: [192.0.2.0/25]\nhome: [198.51.100.0/25]\n',
    ...reviewFile(organisation),
  };
}

/** Writes the organisation of a seed: each detector's cases, in an order of its own. */
export async function plantOrganisation(seed: string): Promise<Truth> {
  const organisation = emptyOrganisation(seed);
  const { draw, planted, uses, late } = organisation;
  const order = detector
    .exclude(recommendation.options)
    .options.map((name) => ({ name, at: draw.next() }))
    .sort((a, b) => a.at - b.at);
  for (const { name } of order) cases[name](organisation);

  const here = await place({ ...constant(organisation), ...filesAt(organisation, 40) });
  for (const days of moments(late).slice(1)) await here.commit(filesAt(organisation, days), daysAgo(days));

  const split = uses.map((one) => ({ one, instance: draw.pick(['gw-1', 'gw-2']) }));
  const logs = new Map(
    ['gw-1', 'gw-2'].map((instance) => [
      instance,
      logLines(
        split
          .filter((use) => use.instance === instance)
          .map(({ one }) => one)
          .filter((one) => one.at > asOfMs - logged * dayMs),
        { instance, days: logged },
      ),
    ]),
  );
  return { here, planted, logs, ask: (coverage) => here.write(reviewFile(organisation, coverage)) };
}

export type Score = { detector: Detector; planted: number; found: number; wrong: string[]; missed: string[] };

/** Holds a plan to the truth: what each detector reported that is not so, and what it should have. */
export function score(plan: Plan, planted: readonly Planted[], hasGaps = false): Score[] {
  const byId = new Map(planted.map((grant) => [grant.id, grant]));
  return detector.exclude(recommendation.options).options.map((name) => {
    const reported = plan.findings.filter((finding) => finding.detector === name);
    const expected = planted.filter(({ truth }) => truth?.detector === name);
    const wrong = reported.filter(({ grant, action }) => {
      const known = byId.get(grant);
      const isTruth =
        known?.truth?.detector === name &&
        (known.truth.action === action || (hasGaps && known.unproved === action));
      return !isTruth && known?.also.includes(name) !== true;
    });
    const said = (unproved: string | null) => (hasGaps && unproved !== null ? plan.findings : reported);
    const missed = expected.filter(({ id, unproved }) => !said(unproved).some(({ grant }) => grant === id));
    return {
      detector: name,
      planted: expected.length,
      found: reported.length,
      wrong: wrong.map(({ grant, action }) => `${grant}: ${name} ${action}`),
      missed: missed.map(({ id, truth }) => `${id}: ${name} ${truth?.action}`),
    };
  });
}
