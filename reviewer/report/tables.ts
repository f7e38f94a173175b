import { daySeconds, instantOf } from '../../bundle/format/times.ts';
import { dutiesOf } from '../detect/duties.ts';
import { approvals, decisions, emergencies, enforcementTable, leaversTable } from './decisionTables.ts';
import { changedTexts, delegations, reminders } from './noticeTables.ts';
import { recordRows } from './recordRows.ts';
import type { ReportInput } from './reportInput.ts';
import { columns, type Table } from './table.ts';

const shortName = (revision: string | null) => revision?.slice(0, 12) ?? 'nothing';

function population({ plan, organisation, gateways }: ReportInput): Table {
  const commit = { source: 'commit', where: plan.revision ?? 'not committed' };
  return {
    name: 'population',
    title: 'Population',
    about:
      'All grants at the commit, counted in its files, against what each gateway says it has loaded. Digests are those of the compiled data: two that are equal hold the same grants.',
    columns: columns({
      source: 'Source',
      where: 'Where',
      grants: 'Grants',
      digest: 'Digest',
      agrees: 'Agrees',
      note: 'Note',
    }),
    rows: [
      {
        ...commit,
        ...{ grants: plan.population.grants, digest: plan.population.digest },
        agrees: organisation.grants.length === plan.population.grants,
        note: '',
      },
      ...gateways.map(({ url, revision, grants, digest, error }) => {
        const theirs = digest === null || digest.startsWith('sha256:') ? digest : `sha256:${digest}`;
        const same = revision === plan.revision && grants === plan.population.grants;
        return {
          ...{ source: 'gateway', where: url, grants, digest: theirs },
          agrees: error === null ? same && theirs === plan.population.digest : null,
          note:
            error ?? (revision === plan.revision ? '' : `enforces ${shortName(revision)}, another commit`),
        };
      }),
    ],
  };
}

function findings({ plan, organisation }: ReportInput): Table {
  const tierOf = (api: string) => organisation.apis.get(api)?.tier ?? null;
  return {
    name: 'findings',
    title: 'Open findings',
    about:
      'What the detectors find at the end of the period and nobody has answered yet, with the change that is proposed.',
    columns: columns({
      ...{
        fingerprint: 'Fingerprint',
        severity: 'Severity',
        detector: 'Detector',
        grant: 'Grant',
        principal: 'Grantee',
      },
      ...{ api: 'API', tier: 'Tier', owner: 'Owner', action: 'Proposal', sentence: 'Why' },
    }),
    rows: plan.findings.map(
      ({ fingerprint, severity, detector, grant, principal, api, owner, action, sentence }) => ({
        ...{
          fingerprint,
          severity,
          detector,
          grant,
          principal,
          api,
          tier: tierOf(api),
          owner,
          action,
          sentence,
        },
      }),
    ),
  };
}

function notEvaluable({ plan }: ReportInput): Table {
  return {
    name: 'not-evaluable',
    title: 'Not evaluable',
    about:
      'Grants that a detector could not judge, for the records of its window have gaps: nothing is proposed for them, and nothing is said to be fine.',
    columns: columns({ grant: 'Grant', detectors: 'Detectors', coverage: 'Coverage' }),
    rows: plan.not_evaluable.map(({ grant, detectors, coverage }) => ({
      grant,
      detectors: detectors.join(' '),
      coverage,
    })),
  };
}

function exemptions({ organisation, period }: ReportInput): Table {
  return {
    name: 'exemptions',
    title: 'Exemptions',
    about: 'Findings that are not raised for a while, with the reason and the last day of each.',
    columns: columns({
      grant: 'Grant',
      detector: 'Detector',
      reason: 'Reason',
      until: 'Until',
      live: 'Live at the end',
    }),
    rows: organisation.review.exemptions.map(({ grant, detector, reason, until }) => ({
      ...{ grant, detector, reason, until },
      live: Date.parse(until) / 1000 + daySeconds > period.to,
    })),
  };
}

function holdings({ organisation, uses, plan }: ReportInput): Table {
  const blind = new Set(plan.not_evaluable.map(({ grant }) => grant));
  return {
    name: 'grants',
    title: 'Grants',
    about:
      'Every grant at the end of the period, when somebody last answered for it, and whether it was used in the period by the records at hand.',
    columns: columns({
      ...{
        grant: 'Grant',
        principal: 'Grantee',
        api: 'API',
        tier: 'Tier',
        access: 'Access',
        owner: 'Owner',
        granted: 'Granted',
      },
      ...{
        expires: 'Expires',
        state: 'State',
        certified_by: 'Certified by',
        certified_at: 'Certified at',
        uses: 'Allowed requests',
      },
      ...{ last_used: 'Last used', evaluable: 'Evaluable', file: 'File', line: 'Line' },
    }),
    rows: organisation.grants.map((grant) => {
      const use = uses?.get(grant.id);
      return {
        ...{ grant: grant.id, principal: grant.principal, api: grant.api },
        tier: organisation.apis.get(grant.api)?.tier ?? null,
        access: grant.role ?? grant.covers.join(' '),
        ...{ owner: grant.owner, granted: grant.granted, expires: grant.expires ?? null, state: grant.state },
        certified_by: grant.review?.by ?? null,
        certified_at: grant.review?.at ?? null,
        uses: uses === null ? null : (use?.count ?? 0),
        last_used: use === undefined ? null : instantOf(use.last),
        evaluable: !blind.has(grant.id),
        ...{ file: grant.place.file, line: grant.place.line },
      };
    }),
  };
}

function duties({ organisation, plan, period }: ReportInput): Table {
  const found = plan.findings.filter(({ detector }) => detector === 'separation-of-duties');
  const byGrant = dutiesOf(organisation, period.to);
  return {
    name: 'separation-of-duties',
    title: 'Separation of duties',
    about:
      'The pairs of duties that nobody should hold both of, and for each how many grants are found to give somebody both at the end of the period.',
    columns: columns({ pair: 'Pair', left: 'One side', right: 'Other side', findings: 'Open findings' }),
    rows: organisation.review.separation_of_duties.map(({ name, left, right }) => ({
      pair: name,
      left: `${left.api}: ${left.operations.join(' ')}`,
      right: `${right.api}: ${right.operations.join(' ')}`,
      findings: found.filter(({ grant }) => byGrant.get(grant)?.some((duty) => duty.name === name)).length,
    })),
  };
}

/** All tables of a report, in the order in which they are read. */
export const tablesOf = (input: ReportInput): Table[] =>
  [
    ...[
      population,
      decisions,
      enforcementTable,
      recordRows,
      leaversTable,
      findings,
      notEvaluable,
      exemptions,
      emergencies,
      approvals,
      reminders,
      delegations,
      changedTexts,
      duties,
      holdings,
    ],
  ].map((make) => make(input));
