import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite } from '../../_suite.ts';

const test = suite('what people keep a bot for');

/** Behaviour → the file, beside this one, and the beginning of the test that holds it. */
const held: readonly (readonly [behaviour: string, file: string, name: string])[] = [
  ['its branches and fingerprints follow from the findings', 'texts', "a branch's name is good for Git"],
  ['it keeps no state but the forge’s', 'pullRequests', 'opens one pull request per owner and tier'],
  ['what was closed is remembered, and that is said', 'pullRequests', 'remembers for 30 days'],
  ['an answer ends when things change', 'pullRequestLife', 'an answer ends when the grant was widened'],
  ['it opens no more than the limits allow', 'pullRequests', 'opens no more than the limits allow'],
  ['what is held back stays in sight', 'pullRequestPeople', 'the dashboard names what is held back'],
  ['what is answered differently is not mixed', 'texts', 'groups findings by owner, tier and risk'],
  ['its merges do not collide', 'pullRequests', 'merged, a finding is gone; the others stay'],
  ['it moves a branch on a conflict only', 'pullRequests', 'a base that moved without conflict'],
  ['commits by people are theirs', 'pullRequests', 'leaves a branch with commits by people alone'],
  ['what is urgent has a lane of its own, and says so', 'texts', 'a title reads back to what it says'],
  ['it keeps to a schedule', 'pullRequestPeople', 'opens nothing outside its schedule'],
  ['it closes itself when the cause is gone', 'pullRequestLife', 'one whose cause is gone is closed'],
  ['it writes nothing without need', 'pullRequests', 'opens one pull request per owner and tier'],
  ['what is announced is what is merged', 'pullRequestFaults', 'whatever an update fails at'],
  ['it tells who loses access, and who decides', 'pullRequestPeople', 'asks the owner’s people'],
  ['the base decides, whatever a branch says', 'pullRequests', "judges the forge's branch"],
  ['it backs off', 'pullRequestFaults', 'a limit that names its end is waited for'],
  ['it asks for no more than can be read', 'allot', 'no more than a person can read'],
  ['it splits', 'commands/answerComments', 'a grant that is split off gets its own'],
  ['it pauses when it is ignored', 'pullRequestPeople', 'pauses when nobody has acted'],
  ['it has a brake', 'pullRequests', 'a brake stops what takes much away'],
  [
    'new to a repository, it only shows what it would do',
    'onboarding/onboard',
    'only shows what would be opened',
  ],
  [
    'it changes nothing unless told to, and says so',
    'onboarding/onboard',
    'without --apply nothing is changed',
  ],
  ['it is answered in comments', 'commands/answerComments', 'a keep rewrites the same diff'],
  [
    'it says why, and how to see the same',
    'commands/commands',
    'splits one off, keeps the last, and says why',
  ],
  ['it acts as an App', '../forge/forge', 'signs in as a GitHub App'],
  ['unsure, it only drafts', 'pullRequestPeople', 'a proposal that rests on records with a gap'],
  ['whatever fails, one more run mends it', 'pullRequestAnyFault', 'that hits the opening'],
];

for (const [behaviour, file, name] of held)
  test(behaviour, () => {
    const text = readFileSync(new URL(`${file}.test.ts`, import.meta.url), 'utf8');
    // As it is written in the file, whatever quotes it stands in.
    const quotes = [`'`, `"`, '`'];
    assert.ok(
      quotes.some((quote) => text.includes(`test(${quote}${name}`)),
      `${file} has no test "${name}…"`,
    );
  });
