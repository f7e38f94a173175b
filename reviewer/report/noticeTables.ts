import { instantOf } from '../../bundle/format/times.ts';
import type { GivenNotice, PullNotices } from './noticesOf.ts';
import type { ReportInput } from './reportInput.ts';
import { columns, type Table, type Value } from './table.ts';

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
export const asksOthers = ({ key }: Pick<GivenNotice, 'key'>): boolean => others.includes(nameOf(key));

/** Whether it says that somebody has changed what the review remembers. */
export const isOfChange = ({ key }: Pick<GivenNotice, 'key'>): boolean => key.startsWith('changed ');
const isReminder = (one: Pick<GivenNotice, 'key'>): boolean => !asksOthers(one) && !isOfChange(one);

/** What people were told of: when, by what, and whom. */
export const noticeRow = ({ key, who, at }: GivenNotice): { at: string; what: string; to: string } => ({
  at: instantOf(at),
  what: kinds[nameOf(key)] ?? `reminder ${nameOf(key)} before the end`,
  to: who.join(' '),
});

const rowsOf = (pulls: readonly PullNotices[] | null, isShown: (one: GivenNotice) => boolean) =>
  (pulls ?? []).flatMap(({ owner, number, notices }) =>
    notices
      .filter(isShown)
      .map(
        (one): Record<string, Value> => ({ owner, pull_request: number, ...noticeRow(one), told_by: one.by }),
      ),
  );

const labels = (owner: string) =>
  columns({
    ...{ at: 'At', owner, pull_request: 'Pull request', what: 'What', to: 'To', told_by: 'Told by' },
  });

/** Of a period's reviews; null where no forge was asked. */
type Given = { notices: readonly PullNotices[] | null };

export const reminders = ({ notices }: Given): Table => ({
  name: 'reminders',
  title: 'Reminders',
  about:
    'Who was reminded of a pull request of the review, and when, by the comments there; empty where no forge was asked.',
  columns: labels('Owner'),
  rows: rowsOf(notices, isReminder),
});

export const delegations = ({ notices }: Given): Table => ({
  name: 'delegations',
  title: 'Absence and silence',
  about:
    'In whose place others were asked about a pull request of the review: for nobody of the owner could be asked, for they had not said anything, or for the time was over. Empty where no forge was asked.',
  columns: labels('In place of'),
  rows: rowsOf(notices, asksOthers),
});

export const aboutChanged =
  'What the review remembers of decisions and proposals, in descriptions of its pull requests, that somebody else than the review has changed: what they said that no comment and no finding bears out was not carried out, and they were written anew.';

export const changedTexts = ({ notices, bases }: Given & Pick<ReportInput, 'bases'>): Table => ({
  name: 'changed-descriptions',
  title: 'Changed descriptions',
  about: `${aboutChanged} Empty where no forge was asked.`,
  columns: columns({ at: 'At', owner: 'Owner', pull_request: 'Pull request', what: 'What' }),
  rows: [
    ...(notices ?? []).flatMap(({ owner, number, notices: given }) =>
      given.filter(isOfChange).map(
        ({ at, text }): Record<string, Value> => ({
          ...{ at: instantOf(at), owner, pull_request: number, what: text },
        }),
      ),
    ),
    ...[...bases].flatMap(([number, basis]): Record<string, Value>[] =>
      basis === null
        ? [
            {
              ...{ at: null, owner: null, pull_request: number },
              what: 'Changed by somebody else since the review wrote it last: when it was found, and by which evidence, is not taken from it.',
            },
          ]
        : [],
    ),
  ],
});
