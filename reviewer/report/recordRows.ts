import { type Html, html } from '../page/html.ts';
import type { RecordFacts } from '../records/recordFacts.ts';
import type { ReportInput } from './reportInput.ts';
import { columns, type Table } from './table.ts';

/** Gateways whose records are missing or were changed: what rests on them is in doubt. */
export const doubted = (records: readonly RecordFacts[]): string[] =>
  records.filter(({ wrong }) => wrong.length > 0).map(({ instance }) => instance);

/** Said at the top of a report whose records are not as they were written; nothing where they are. */
export const doubtLine = (records: readonly RecordFacts[]): Html | '' => {
  const instances = doubted(records);
  return instances.length === 0
    ? ''
    : html` <strong>What is said of use and enforcement is in doubt: records of ${instances.join(', ')} are missing or not as they were written (see <a href="#records">Records</a>).</strong>`;
};

/** The decision files at hand, gateway by gateway. */
export function recordRows({ records }: Pick<ReportInput, 'records'>): Table {
  return {
    name: 'records',
    title: 'Records',
    about:
      'The decision files at hand, of other times too: whether each is what the next one was begun after, and which numbers are missing. What was removed from the end of them, or all of a gateway, only a checkpoint of grantgate records verify tells.',
    columns: columns({
      ...{ gateway: 'Gateway', files: 'Files', records: 'Records', first: 'First file', last: 'Last file' },
      ...{ chain: 'Chain', wrong: 'What is wrong' },
    }),
    rows: records.map(({ instance, files, records: count, first, last, chained, wrong }) => ({
      ...{ gateway: instance, files, records: count, first, last },
      chain: wrong.length > 0 ? 'broken' : chained ? 'holds' : 'holds in part: older files have none',
      wrong: wrong.join('; '),
    })),
  };
}
