import { personOf } from '../../bundle/access/accountStatus.ts';
import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import { soleHolders } from '../../bundle/access/soleHolder.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Edit } from '../edit/edit.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Forge, ForgePull, Reviewers } from '../forge/forge.ts';
import type { Finding } from '../plan/finding.ts';
import { losses } from '../plan/losses.ts';
import { optional } from './announce.ts';
import { codeownersPaths, ownersOf, parseCodeowners } from './codeowners.ts';
import type { Mirror } from './mirror.ts';
import type { Family } from './text/branch.ts';

const mostReviewers = 5;
const mostMentions = 10;
/** Below this share of the records a proposal that rests on them is a draft. */
const sureCoverage = 0.99;

/** Who is asked, who is told, and where they find what is spoken of. */
export type People = {
  /** The address of a file at the revision that was judged. */
  fileUrl: (file: string, line: number) => string | null;
  /** The forge's names of those who lose access. */
  losing: (edits: readonly Edit[]) => readonly string[];
  isUnsure: (findings: readonly Finding[]) => boolean;
  /** Labels a new pull request and asks for its review. */
  tell: (pull: ForgePull, what: { family: Family; findings: readonly Finding[] }) => Promise<void>;
  /** Asks those for a review who answer for the APIs. */
  escalate: (pull: ForgePull, findings: readonly Finding[]) => Promise<readonly string[]>;
};

/** What the forge calls a person of the directory; null where nobody says. */
export function forgeName(principal: string, { people }: Pick<Organisation, 'people'>): string | null {
  const person = personOf(principal, { people });
  if (person?.status !== 'active') return null;
  const name = person.github ?? (person.provider === 'github' ? person.login : null);
  // Whatever else a directory holds there would be a mention of others.
  return name !== null && /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name) ? name : null;
}

const label = 'grantgate';
/** Labels come last, so who has one has been told of. */
export const isTold = ({ labels }: Pick<ForgePull, 'labels'>): boolean => labels.includes(label);
const labelsOf = ({ tier, risk }: Family) => [
  label,
  `grantgate: ${tier}`,
  ...(risk === 'high' ? ['grantgate: high risk'] : []),
];

export function peopleOf({
  forge,
  mirror,
  evidence,
}: {
  forge: Forge;
  mirror: Mirror;
  evidence: Evidence;
}): People {
  const { organisation, asOf } = evidence;
  // Few runs open anything.
  let read: Promise<string | null> | null = null;
  const rulesOf = async () => {
    read ??= mirror.first(codeownersPaths);
    return parseCodeowners((await read) ?? '');
  };
  const web = /^https?:/.test(forge.cloneUrl) ? forge.cloneUrl.replace(/\.git$/, '') : null;

  /** Never somebody whose own access is in question. */
  const reviewersOf = async (owner: string, findings: readonly Finding[]): Promise<Reviewers> => {
    const rules = await rulesOf();
    const judged = soleHolders(
      findings.map(({ principal }) => principal),
      organisation,
    );
    const theirs = new Set([...judged].flatMap((holder) => nameOf(holder) ?? []));
    const namesBehind = (owners: readonly string[]) =>
      owners
        .flatMap((one) => peopleBehind(one, organisation))
        .filter((person) => !judged.has(person))
        .flatMap((person) => nameOf(person) ?? []);
    const answering = namesBehind([owner]);
    // Where only the holder answers, somebody else is asked: who answers for the API.
    const apiOwners = findings.flatMap(({ api }) => organisation.apis.get(api)?.owner ?? []);
    const named = answering.length > 0 ? answering : namesBehind([...new Set(apiOwners)]);
    const files = findings.map(({ change }) => `${mirror.folder}${change.file}`);
    const owners = [...new Set(files.flatMap((file) => ownersOf(rules, file)))];
    const users = owners.filter((name) => !name.includes('/') && !theirs.has(name));
    return {
      people: [...new Set([...named, ...users])].slice(0, mostReviewers),
      teams: owners.flatMap((name) => name.split('/')[1] ?? []).slice(0, mostReviewers),
    };
  };
  const nameOf = (principal: string) => forgeName(principal, organisation);

  /** One name that cannot be asked refuses them all, so then each is asked alone. */
  async function ask(number: number, reviewers: Reviewers): Promise<void> {
    const { people, teams } = reviewers;
    if (people.length + teams.length === 0) return;
    if (await optional(() => forge.requestReviewers(number, reviewers))) return;
    if (people.length + teams.length === 1) return;
    for (const name of people)
      await optional(() => forge.requestReviewers(number, { people: [name], teams: [] }));
    for (const name of teams)
      await optional(() => forge.requestReviewers(number, { people: [], teams: [name] }));
  }

  return {
    fileUrl: (file, line) =>
      web === null
        ? null
        : `${web}/blob/${mirror.base.commit}/${`${mirror.folder}${file}`.split('/').map(encodeURIComponent).join('/')}#L${line}`,
    losing(edits) {
      const lost = [...losses(edits, organisation, asOf).values()].flatMap(({ losing }) => losing);
      return [...new Set(lost.flatMap(({ principal }) => nameOf(principal) ?? []))].slice(0, mostMentions);
    },
    isUnsure: (findings) =>
      findings.some(({ evidence: { coverage } }) => coverage !== undefined && coverage < sureCoverage),
    async tell(pull, { family, findings }) {
      await ask(pull.number, await reviewersOf(family.owner, findings));
      await optional(() => forge.addLabels(pull.number, labelsOf(family)));
    },
    async escalate(pull, findings) {
      const owners = new Set(findings.flatMap(({ api }) => organisation.apis.get(api)?.owner ?? []));
      const asked = await Promise.all([...owners].map((owner) => reviewersOf(owner, findings)));
      const people = [...new Set(asked.flatMap((one) => one.people))].slice(0, mostReviewers);
      await ask(pull.number, { people, teams: [] });
      return [...owners];
    },
  };
}
