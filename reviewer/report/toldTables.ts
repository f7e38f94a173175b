import { instantOf } from '../../bundle/format/times.ts';
import { columns, type Table, type Value } from './table.ts';
import type { PullTold, Told } from './toldOf.ts';

const kinds: Readonly<Record<string, string>> = {
  half: 'reminder at half time',
  managers: 'asked in their place: who they report to',
  'api-owners': 'asked in their place: who answers for the APIs',
  unanswered: 'no answer: those who answer for the APIs',
};
const others: readonly string[] = ['managers', 'api-owners', 'unanswered'];

/** A key without the day that it is about. */
const nameOf = (key: string) => key.replace(/ \d{4}-\d{2}-\d{2}$/, '');

/** Whether others were asked by it. */
export const asksOthers = ({ key }: Pick<Told, 'key'>): boolean => others.includes(nameOf(key));

/** What people were told of: when, by what, and whom. */
export const toldRow = ({ key, who, at }: Told): { at: string; what: string; to: string } => ({
  at: instantOf(at),
  what: kinds[nameOf(key)] ?? `reminder ${nameOf(key)} before the end`,
  to: who.join(' '),
});

const rowsOf = (pulls: readonly PullTold[] | null, isShown: (told: Told) => boolean) =>
  (pulls ?? []).flatMap(({ owner, number, told }) =>
    told
      .filter(isShown)
      .map(
        (one): Record<string, Value> => ({ owner, pull_request: number, ...toldRow(one), told_by: one.by }),
      ),
  );

const labels = (owner: string) =>
  columns({
    ...{ at: 'At', owner, pull_request: 'Pull request', what: 'What', to: 'To', told_by: 'Told by' },
  });

/** Of a period's reviews; null where no forge was asked. */
export const reminders = ({ told }: { told: readonly PullTold[] | null }): Table => ({
  name: 'reminders',
  title: 'Reminders',
  about:
    'Who was reminded of a pull request of the review, and when, by the comments there; empty where no forge was asked.',
  columns: labels('Owner'),
  rows: rowsOf(told, (one) => !asksOthers(one)),
});

export const delegations = ({ told }: { told: readonly PullTold[] | null }): Table => ({
  name: 'delegations',
  title: 'Absence and silence',
  about:
    'In whose place others were asked about a pull request of the review: for nobody of the owner could be asked, for they had not said anything, or for the time was over. Empty where no forge was asked.',
  columns: labels('In place of'),
  rows: rowsOf(told, asksOthers),
});
