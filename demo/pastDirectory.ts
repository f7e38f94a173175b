import { instantOf } from '../bundle/format/times.ts';

/** The sample's directory file that the identity sync writes. */
export const directoryPath = 'grants/directory/okta.yaml';

const entry = (login: string) => RegExp.escape(`  - login: "${login}@northwind.example"\n`);

/** What was otherwise until the sync three days before: what Git knows, and the files do not say. */
const before: readonly (readonly [what: string, pattern: RegExp, replacement: string])[] = [
  ['id of aisha.bello', new RegExp(`(?<=${entry('aisha.bello')}    id: ")\\w+`), '00u0a11b22c33d44e55f'],
  ['status of dmitri.orlov', new RegExp(`(?<=${entry('dmitri.orlov')}.*\n    status: )\\w+`), 'active'],
  [
    'manager of mara.lind',
    new RegExp(`(?<=${entry('mara.lind')}.*\n.*\n    manager: ")[\\w.]+`),
    'victor.hale',
  ],
  [
    'member of accounts-payable',
    /(?<=- name: accounts-payable\n(?: {4}.*\n)*) {6}- "user:peter\.novak@northwind\.example"\n/,
    '',
  ],
];

/** The same directory, read at an instant in milliseconds. */
export const readAt = (text: string, at: number): string =>
  text.replace(/(?<=^synced: )\S+/m, instantOf(at / 1000));

/** The directory as it was read at an instant before the last sync. Throws where the sample no longer has what changed. */
export function pastDirectory(text: string, at: number): string {
  let past = readAt(text, at);
  for (const [what, pattern, replacement] of before) {
    if (!pattern.test(past)) throw new Error(`the sample's directory has no ${what}`);
    past = past.replace(pattern, replacement);
  }
  return past;
}
