import { counted } from '../../../bundle/format/counted.ts';
import { dayOf, instantOf } from '../../../bundle/format/times.ts';
import { endOf } from '../../../bundle/grants/dates.ts';
import { countedApprovers } from '../../campaign/partReviewers.ts';
import { aboutChanged, asksOthers, isOfChange, noticeRow } from '../noticeTables.ts';
import { recordRows } from '../recordRows.ts';
import type { Table } from '../table.ts';
import { hoursBetween } from '../timeBetween.ts';
import { campaignDecisions, campaignEnforcement } from './campaignDecisions.ts';
import type { CampaignInput } from './campaignInput.ts';
import { columnsOf } from './columnsOf.ts';

/** Each owner's part: when it was asked, answered and closed; rubber stamps show. */
function owners({ frozen, parts }: CampaignInput): Table {
  return {
    name: 'owners',
    title: 'Owners',
    about:
      'Who was asked, in which pull request, and how it ended. Seconds for a grant is the time from opening to the first approval, or else the merge, by the number of grants: little time for many grants is a stamp, not a review.',
    columns: columnsOf(
      'owner pull_request url state grants answered opened first_approval merged merged_by approved_by hours_open seconds_for_a_grant overdue second_approver reason',
    ),
    rows: parts.map((part) => {
      const { merge, opened } = part;
      const first = Math.min(...(merge?.approvals ?? []).map(({ atMs }) => atMs / 1000));
      const merged = merge === null ? null : merge.mergedMs / 1000;
      const word = Number.isFinite(first) ? first : merged;
      const ended = merged ?? part.ended;
      return {
        ...{ owner: part.owner, pull_request: part.number, url: part.url, state: part.state },
        ...{ grants: part.grants.length, answered: part.answered },
        opened: opened === null ? null : instantOf(opened),
        first_approval: Number.isFinite(first) ? instantOf(first) : null,
        merged: merged === null ? null : instantOf(merged),
        merged_by: merge?.mergedBy ?? part.merged_by ?? null,
        approved_by: merge?.approvals.map(({ login }) => login).join(' ') ?? null,
        hours_open: hoursBetween(opened, ended),
        seconds_for_a_grant:
          opened === null || word === null ? null : Math.round((word - opened) / part.grants.length),
        overdue: ended !== null ? ended >= endOf(frozen.due) : null,
        ...{ second_approver: part.second_approver ?? null, reason: part.reason ?? null },
      };
    }),
  };
}

/** That what was frozen is what was there, and what gateways say of today. */
function population({ frozen, recount, gateways, report, revision, organisation }: CampaignInput): Table {
  const { population: told, commit } = frozen;
  const same = recount !== null && recount.grants === told.grants && recount.digest === told.digest;
  const rows = [
    { source: 'frozen', where: `branch grantgate/campaign/${frozen.name}/frozen`, ...told, agrees: true },
    {
      ...{ source: 'commit', where: commit, grants: recount?.grants ?? null },
      ...{ digest: recount?.digest ?? null, agrees: recount === null ? null : same },
    },
    {
      ...{ source: 'outcomes', where: 'the rows of decisions' },
      grants: Object.values(report.totals).reduce((sum, one) => sum + one, 0),
      ...{
        digest: null,
        agrees: Object.values(report.totals).reduce((sum, one) => sum + one, 0) === told.grants,
      },
    },
    {
      ...{ source: 'branch', where: revision, grants: organisation.grants.length },
      ...{ digest: null, agrees: null },
    },
    ...gateways.map(({ url, revision: theirs, grants, digest, error }) => ({
      ...{ source: 'gateway', where: `${url}: ${error ?? theirs ?? 'nothing'}`, grants, digest },
      agrees: error === null ? theirs === revision && grants === organisation.grants.length : null,
    })),
  ];
  return {
    name: 'population',
    title: 'Population',
    about:
      'What was frozen against the grants in scope at the commit that it was frozen of, counted again; that each has an outcome; and, where gateways were named, what they say they have loaded against the branch at the end of the campaign. A gateway that enforces a later commit does not agree, which need be no fault.',
    columns: columnsOf('source where grants digest agrees'),
    rows,
  };
}

function summary(input: CampaignInput): Table {
  const { frozen, report, at, revision, parts } = input;
  const { evidence } = frozen;
  const rows: [string, string | number][] = [
    ['campaign', frozen.name],
    ['scope', frozen.scope ?? 'all grants'],
    ['opened', frozen.opened],
    ['due', frozen.due],
    ['state', report.finished ? `finished ${instantOf(at)}` : `not finished as of ${instantOf(at)}`],
    ['frozen commit', frozen.commit],
    ['population', frozen.population.grants],
    ['population digest', frozen.population.digest],
    ['evidence from', evidence.from],
    ['evidence until', frozen.opened],
    ['evidence records', evidence.records],
    ['evidence gateways', evidence.instances],
    ['evidence coverage', evidence.coverage],
    ['evidence digest', evidence.digest],
    ['owners', parts.length],
    ['owners done', report.done],
    ...Object.entries(report.totals).map(([outcome, count]): [string, number] => [
      `grants ${outcome}`,
      count,
    ]),
    ['commit at the end', revision],
  ];
  return {
    name: 'campaign',
    title: 'Closing report',
    about: 'What the campaign was about, by what evidence, and how it ended.',
    columns: columnsOf('what is'),
    rows: rows.map(([what, is]) => ({ what, is })),
  };
}

function overdue({ frozen, parts, at }: CampaignInput): Table {
  const end = endOf(frozen.due);
  return {
    name: 'overdue',
    title: 'Overdue',
    about: 'Owners who had not finished by the end of the due date: answered late, or not at all.',
    columns: columnsOf('owner pull_request state due answered_at days_late grants_unanswered'),
    rows: parts.flatMap(({ owner, number, state, ended, merge, grants, answered }) => {
      const done = merge !== null ? merge.mergedMs / 1000 : ended;
      const isLate = state === 'merged' ? (done ?? 0) >= end : state !== 'nothing' && at >= end;
      if (!isLate) return [];
      return [
        {
          ...{ owner, pull_request: number, state, due: frozen.due },
          answered_at: state === 'merged' && done !== null ? instantOf(done) : null,
          days_late: Math.round((((state === 'merged' ? done : null) ?? at) - end) / 8640) / 10,
          grants_unanswered: grants.length - answered,
        },
      ];
    }),
  };
}

function reminders({ parts }: CampaignInput): Table {
  return {
    name: 'reminders',
    title: 'Reminders',
    about: 'Who was reminded of what, and when, by the comments on their pull requests.',
    columns: columnsOf('at owner pull_request what to told_by'),
    rows: parts.flatMap(({ owner, number, notices }) =>
      notices
        .filter((one) => !isOfChange(one))
        .map((one) => ({ owner, pull_request: number, ...noticeRow(one), told_by: one.by })),
    ),
  };
}

function changedTexts({ parts }: CampaignInput): Table {
  return {
    name: 'changed-descriptions',
    title: 'Changed descriptions',
    about: aboutChanged,
    columns: columnsOf('at owner pull_request what'),
    rows: parts.flatMap(({ owner, number, notices, isChanged }) => [
      ...notices
        .filter(isOfChange)
        .map(({ at, text }) => ({ at: instantOf(at), owner, pull_request: number, what: text })),
      ...(isChanged
        ? [
            {
              ...{ at: null, owner, pull_request: number },
              what: 'Changed by somebody else since the campaign wrote it last: answers in comments are not taken from it.',
            },
          ]
        : []),
    ]),
  };
}

export function delegations({ parts, frozen }: CampaignInput): Table {
  const rows = parts.flatMap(({ owner, number, notices, answers }) => [
    ...notices
      .filter(asksOthers)
      .map((one) => ({ owner, pull_request: number, grant: null, ...noticeRow(one), by: null })),
    ...[...answers].flatMap(([grant, { decision }]) =>
      decision.kind === 'reassign'
        ? [
            {
              ...{ at: decision.at, owner, pull_request: number, grant },
              ...{ what: 'handed over', to: decision.owner, by: decision.by },
            },
          ]
        : [],
    ),
  ]);
  return {
    name: 'delegations',
    title: 'Delegation and absence',
    about: `In whose place others were asked, and what was handed to another owner, while the campaign ${frozen.name} ran.`,
    columns: columnsOf('at owner pull_request grant what to by'),
    rows,
  };
}

function secondApprovals({ parts, organisation }: CampaignInput): Table {
  return {
    name: 'second-approvals',
    title: 'Second approvals',
    about:
      'Pull requests whose tier asks for two people (campaigns.second_approver): who counts as such of those who approved and merged.',
    columns: columnsOf('owner pull_request state second_approver counted approved_by merged_by'),
    rows: parts.flatMap((part) => {
      if (part.second_approver === undefined) return [];
      const { owner, number, state, second_approver, approved_by = [], merged_by = null } = part;
      const logins = [...approved_by, ...(merged_by === null ? [] : [merged_by])];
      return [
        {
          ...{ owner, pull_request: number, state, second_approver },
          counted: countedApprovers(logins, { owner, entries: part.entries }, organisation).join(' '),
          ...{ approved_by: approved_by.join(' '), merged_by },
        },
      ];
    }),
  };
}

function answers({ parts }: CampaignInput): Table {
  return {
    name: 'answers',
    title: 'Answers in comments',
    about:
      'What people decided about single grants before the merge, and what the rules did where nobody had answered.',
    columns: columnsOf('at owner pull_request grant decision by reason'),
    rows: parts.flatMap(({ owner, number, answers }) =>
      [...answers].map(([grant, { decision }]) => ({
        ...{ at: decision.at, owner, pull_request: number, grant, decision: decision.kind, by: decision.by },
        reason: 'reason' in decision ? decision.reason : null,
      })),
    ),
  };
}

function changedMeanwhile({ changes, parts }: CampaignInput): Table {
  const merges = new Set(parts.flatMap(({ merge }) => merge?.commit ?? []));
  return {
    name: 'changed-meanwhile',
    title: 'Changed meanwhile',
    about:
      'What else happened to grants of the population while the campaign ran. What was changed is not what was frozen: it is shown as changed, and nothing is done to it until somebody decides anew.',
    columns: columnsOf('at grant what by why commit_before commit_after'),
    rows: changes
      .filter(({ commit }) => !merges.has(commit))
      .map(({ at, grant, what, by, why, before, commit }) => ({
        ...{ at: instantOf(at), grant, what, by, why, commit_before: before, commit_after: commit },
      })),
  };
}

function notEvaluable({ frozen }: CampaignInput): Table {
  return {
    name: 'not-evaluable',
    title: 'Not evaluable',
    about: `Grants of whose use the records say too little: nothing was said to be unused, and nothing to be used. Records cover ${(frozen.evidence.coverage * 100).toFixed(2)} % of the window since ${frozen.evidence.from.slice(0, 10)}.`,
    columns: columnsOf('grant grantee api tier owner'),
    rows: frozen.entries
      .filter(({ use }) => use === undefined)
      .map(({ grant, principal, api, tier, owner }) => ({ grant, grantee: principal, api, tier, owner })),
  };
}

/** So many grants in less than so many seconds each were merged, not read. */
const hasty = { grants: 10, secondsEach: 5 };

function problems({ report, parts }: CampaignInput): Table {
  const stamps = parts.flatMap(({ owner, opened, merge, grants }) => {
    if (opened === null || merge === null || grants.length < hasty.grants) return [];
    const spent = merge.mergedMs / 1000 - opened;
    return spent / grants.length < hasty.secondsEach
      ? [`${owner}: ${counted(grants.length, 'grant')} answered in ${counted(Math.round(spent), 'second')}`]
      : [];
  });
  return {
    name: 'problems',
    title: 'To look at',
    about: 'What an auditor would ask about: late, missing or hasty answers.',
    columns: columnsOf('problem'),
    rows: [...report.problems, ...stamps].map((problem) => ({ problem })),
  };
}

/** The tables of a campaign, in the order in which they are read. */
export const campaignTables = (input: CampaignInput): Table[] =>
  [
    ...[summary, population, problems, owners, campaignDecisions, answers, changedMeanwhile, overdue],
    ...[reminders, delegations, changedTexts, secondApprovals, campaignEnforcement, recordRows, notEvaluable],
  ].map((make) => make(input));

/** From its opening to its end, or to when it is told of. */
export const periodOf = ({ frozen, at }: CampaignInput): { from: string; until: string; days: string } => ({
  ...{ from: frozen.opened, until: instantOf(at) },
  days: `${frozen.opened.slice(0, 10)} to ${dayOf(at)}`,
});
