import type { Organisation } from '../../bundle/grants/organisation.ts';
import { answersFor } from '../asking/answersFor.ts';
import { forgeName } from '../asking/forgeName.ts';
import type { Forge } from '../forge/forge.ts';
import { code } from '../forge/markdown.ts';
import { optional } from '../forge/optional.ts';
import { organisationOf } from '../organisationOf.ts';
import { type Opened, openProposal } from '../proposal/openProposal.ts';
import { principalOf } from '../pulls/commands/permission.ts';
import { ReviewError } from '../reviewError.ts';
import { readIssueForm } from './readIssueForm.ts';
import { type GrantRequest, type Requested, requestGrant } from './requestGrant.ts';
import { emergencyPrefix, requestPrefix, requestProposal } from './requestProposal.ts';
import { unattested } from './unattested.ts';
import { untilOf } from './untilOf.ts';

/** What came of a request; `merged` only in an emergency, where the forge let it. */
export type Proposed = {
  requested: Requested;
  action: Opened['action'] | 'merged';
  url: string;
  /** Pull requests of emergencies that the same person took before, and nobody has attested. */
  earlier: readonly number[];
};

type Options = {
  /** Seconds since 1970. */
  asOf: number;
  /** The issue that asks, and is told. */
  issue?: number;
  /** What the forge calls whoever asks. */
  login: string;
  signal?: AbortSignal;
};

const mostReviewers = 5;

/**
 * Opens the pull request that asks for a grant; without a principal it is for whoever asks. In an emergency, that is the
 * only one it may be for, and it is merged. Throws ReviewError `request-refused`, `grants-invalid`; ForgeError.
 */
export async function proposeRequest(
  forge: Forge,
  asked: Omit<GrantRequest, 'principal'> & { principal?: string },
  { asOf, issue, login, signal }: Options,
): Promise<Proposed> {
  const { emergency } = asked;
  const taken = emergency ? await unattested(forge, asOf * 1000) : [];
  // Whoever opened a pull request is the forge's word; what it says may be changed.
  const earlier = taken
    .filter(({ author }) => author.toLowerCase() === login.toLowerCase())
    .map(({ number }) => number);
  const prefix = emergency ? emergencyPrefix : requestPrefix;
  const { proposal, action, pull, commit } = await openProposal(
    forge,
    { prefix, ...(signal && { signal }) },
    async (tree) => {
      const organisation = await organisationOf(tree);
      const own = principalOf(login, organisation);
      const principal = asked.principal ?? own;
      if (principal === null || (emergency && principal !== own))
        throw new ReviewError(
          'request-refused',
          emergency
            ? `in an emergency access is for whoever asks, and ${login} is ${own ?? 'nobody whom the directory knows'}`
            : `no active person of the directory is called ${login} on the forge: \`github:\` beside a person says so`,
        );
      const requested = await requestGrant({ tree, organisation }, { ...asked, principal }, asOf);
      const options = { asOf, emergency, earlier, ...(issue !== undefined && { issue }) };
      const texts = requestProposal(requested, options);
      const people = namesOf(requested, organisation);
      return {
        ...texts,
        requested,
        answers: answersFor(requested.approvers.owner, organisation),
        async tell({ number, url }) {
          if (people.length > 0) await optional(() => forge.requestReviewers(number, { people, teams: [] }));
          if (issue !== undefined) await forge.comment(issue, `Asked for in ${url}.`);
        },
      };
    },
  );
  const { requested } = proposal;
  // Just what was written here, and nothing that came to the branch since.
  const merged = emergency && action !== 'left' && (await forge.mergePull(pull.number, commit));
  return { requested, action: merged ? 'merged' : action, url: pull.url, earlier };
}

const namesOf = ({ approvers }: Requested, organisation: Organisation): string[] =>
  approvers.people.flatMap((one) => forgeName(one, organisation) ?? []).slice(0, mostReviewers);

/**
 * Opens the pull request that an issue made by the form asks for, or answers in the issue why not. Asked again, it is the
 * same pull request. Throws ForgeError, ReviewError `grants-invalid`.
 */
export async function answerIssue(
  forge: Forge,
  number: number,
  signal?: AbortSignal,
): Promise<Proposed | { refused: string }> {
  const issue = await forge.issue(number);
  const asOf = Math.floor(issue.createdMs / 1000);
  try {
    if (!issue.isTheirs)
      throw new ReviewError(
        'request-refused',
        'the issue was changed by somebody else than its author, in whose name it asks: open another one',
      );
    const form = readIssueForm(issue.body);
    return await proposeRequest(
      forge,
      {
        api: form.api,
        needs: form.role === null ? { operations: form.operations } : { role: form.role },
        until: untilOf(form.for, asOf),
        reason: form.reason,
        ...(form.ticket !== null && { ticket: form.ticket }),
        emergency: false,
      },
      { asOf, issue: number, login: issue.author, ...(signal && { signal }) },
    );
  } catch (error) {
    if (!(error instanceof ReviewError) || error.code !== 'request-refused') throw error;
    await forge.comment(number, `This cannot be asked for: ${code(error.message)}.`);
    return { refused: error.message };
  }
}
