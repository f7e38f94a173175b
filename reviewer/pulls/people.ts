import { soleHolders } from '../../bundle/access/soleHolder.ts';
import { askedFirst, namesOf } from '../asking/answering.ts';
import { askReviewers } from '../asking/askReviewers.ts';
import type { Edit } from '../edit/edit.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Forge, ForgePull, Reviewers } from '../forge/forge.ts';
import { optional } from '../forge/optional.ts';
import type { Finding } from '../plan/finding.ts';
import { losses } from '../plan/losses.ts';
import { codeownersPaths, ownersOf, parseCodeowners } from './codeowners.ts';
import type { Mirror } from './mirror.ts';
import type { Family } from './text/branch.ts';

const mostReviewers = 5;
const mostMentions = 10;
/** Below this share of the records a proposal that rests on them is a draft. */
const sureCoverage = 0.99;

/** Of a pull request: whose it is and what it holds. */
export type About = { family: Pick<Family, 'owner' | 'tier' | 'risk'>; findings: readonly Finding[] };

/** Who is asked, who is told, and where they find what is spoken of. */
export type People = {
  /** The address of a file at the revision that was judged. */
  fileUrl: (file: string, line: number) => string | null;
  /** The forge's names of those who lose access. */
  losing: (edits: readonly Edit[]) => readonly string[];
  isUnsure: (findings: readonly Finding[]) => boolean;
  /** Who is asked to answer: of the owner or in their place, and code owners. */
  asked: (what: About) => Promise<Reviewers>;
  /** Labels a new pull request and asks for its review. */
  ask: (pull: ForgePull, what: About) => Promise<void>;
  /** Those who answer for the APIs, and the forge's names of whom to ask of them. */
  escalation: (
    findings: readonly Finding[],
  ) => Promise<{ owners: readonly string[]; names: readonly string[] }>;
};

const label = 'grantgate';
/** Labels come last, so who has one has been told of. */
export const isTold = ({ labels }: Pick<ForgePull, 'labels'>): boolean => labels.includes(label);
const labelsOf = ({ tier, risk }: Pick<Family, 'tier' | 'risk'>) => [
  label,
  `grantgate: ${tier}`,
  ...(risk === 'high' ? ['grantgate: high risk'] : []),
];

/** Finds them in the directory, in CODEOWNERS as the mirror has it, and on the forge. */
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

  const asked = async (owner: string, findings: readonly Finding[]): Promise<Reviewers> => {
    const { names } = askedFirst({ owner, entries: findings }, organisation);
    // Code owners are names of the forge alone: never somebody whose own access is in question.
    const judged = soleHolders(
      findings.map(({ principal }) => principal),
      organisation,
    );
    const theirs = new Set(namesOf([...judged], organisation).map((name) => name.toLowerCase()));
    const rules = await rulesOf();
    const files = findings.map(({ change }) => `${mirror.folder}${change.file}`);
    const owners = [...new Set(files.flatMap((file) => ownersOf(rules, file)))];
    const users = owners.filter((name) => !name.includes('/') && !theirs.has(name.toLowerCase()));
    return {
      people: [...new Set([...names, ...users])].slice(0, mostReviewers),
      teams: owners.flatMap((name) => name.split('/')[1] ?? []).slice(0, mostReviewers),
    };
  };

  return {
    fileUrl: (file, line) =>
      web === null
        ? null
        : `${web}/blob/${mirror.base.commit}/${`${mirror.folder}${file}`.split('/').map(encodeURIComponent).join('/')}#L${line}`,
    losing(edits) {
      const lost = [...losses(edits, organisation, asOf).values()].flatMap(({ losing }) => losing);
      return namesOf(
        lost.map(({ principal }) => principal),
        organisation,
      ).slice(0, mostMentions);
    },
    isUnsure: (findings) =>
      findings.some(({ evidence: { coverage } }) => coverage !== undefined && coverage < sureCoverage),
    asked: ({ family, findings }) => asked(family.owner, findings),
    async ask(pull, { family, findings }) {
      await askReviewers(forge, pull.number, await asked(family.owner, findings));
      await optional(() => forge.addLabels(pull.number, labelsOf(family)));
    },
    async escalation(findings) {
      const owners = new Set(findings.flatMap(({ api }) => organisation.apis.get(api)?.owner ?? []));
      const all = await Promise.all([...owners].map((owner) => asked(owner, findings)));
      const names = [...new Set(all.flatMap(({ people }) => people))].slice(0, mostReviewers);
      return { owners: [...owners], names };
    },
  };
}
