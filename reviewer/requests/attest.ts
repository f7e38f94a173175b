import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import { listed } from '../../bundle/format/counted.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Forge, ForgeComment } from '../forge/forge.ts';
import { code } from '../forge/markdown.ts';
import { principalOf } from '../pulls/commands/permission.ts';
import { notTheirs } from '../pulls/commands/readComment.ts';
import { spokenLines } from '../pulls/commands/spokenLines.ts';
import { versionsOf } from '../restore/versionsOf.ts';
import { emergencyPrefix } from './requestProposal.ts';

/** For people's eyes: whoever may label can put it anywhere. */
const attestedLabel = 'grantgate-attested';
/** With its reason, which it must have. */
const command = /^\/attest(?:[ \t]+(\S.*)|[ \t]*)$/;
const ownMark = '<!-- grantgate:attest -->';
const attestation = /^<!-- grantgate:attest -->\r?\n<!-- \[\w+\] -->\r?\nAttested by /;

/** Whether the review has said that somebody attests an emergency: what its pull request's comments prove. Throws ForgeError. */
export const isAttested = async (forge: Pick<Forge, 'comments'>, number: number): Promise<boolean> =>
  holdsAttestation(await forge.comments(number));

const holdsAttestation = (comments: readonly ForgeComment[]) =>
  comments.some(({ isOurs, body }) => isOurs && attestation.test(body));

/**
 * Looks through the comments of a merged emergency for the word of somebody who answers for its API, and marks it attested.
 * Whoever took the access attests nothing. Null for a pull request that is no merged emergency. Throws ForgeError.
 */
export async function attest(
  forge: Forge,
  number: number,
  { tree, organisation }: { tree: Tree; organisation: Organisation },
): Promise<{ attested: boolean } | null> {
  const pull = await forge.getPull(number);
  if (!pull.branch.startsWith(emergencyPrefix) || !pull.merged) return null;
  const comments = await forge.comments(number);
  if (holdsAttestation(comments)) {
    if (!pull.labels.includes(attestedLabel)) await forge.addLabels(number, [attestedLabel]);
    return { attested: true };
  }
  // What was merged says who took what: the text of a pull request is changed by whoever may.
  const [first] = await versionsOf(tree, pull.branch.slice(emergencyPrefix.length), 0);
  const taken = first?.grant?.entry;
  const owner = taken === undefined ? undefined : organisation.apis.get(taken.api)?.owner;
  if (taken === undefined || owner === undefined) return null;
  const answering = peopleBehind(owner, organisation).filter(
    (principal) =>
      organisation.people.get(principal.replace(/^user:/, ''))?.status === 'active' &&
      fold(principal) !== fold(taken.principal),
  );
  const replied = new Set<string>();
  for (const { isOurs, body } of comments)
    if (isOurs && body.startsWith(ownMark)) replied.add(/\[(\w+)\]/.exec(body)?.[1] ?? '');
  for (const comment of comments) {
    const { key, author, body } = comment;
    if (comment.isBot || comment.isOurs) continue;
    const asked = spokenLines(body).filter((line) => command.test(line));
    if (asked.length === 0) continue;
    const reason = asked.flatMap((line) => command.exec(line)?.[1]?.trim() ?? [])[0];
    const principal = principalOf(author, organisation);
    const refused =
      notTheirs(comment) ??
      notOneOf(answering, principal, owner) ??
      (reason === undefined ? 'it says no reason: comment `/attest REASON`' : null);
    if (refused === null && principal !== null && reason !== undefined) {
      await forge.comment(
        number,
        `${ownMark}\n<!-- [${key}] -->\nAttested by ${code(principal)}: ${code(reason)}`,
      );
      await forge.addLabels(number, [attestedLabel]);
      return { attested: true };
    }
    if (!replied.has(key))
      await forge.comment(
        number,
        `${ownMark}\n<!-- [${key}] -->\n${code(author)} cannot attest this: ${refused}.`,
      );
  }
  return { attested: false };
}

/** Why somebody is none of those who may attest; null where they are. */
function notOneOf(answering: readonly string[], principal: string | null, owner: string): string | null {
  if (principal !== null && answering.map(fold).includes(fold(principal))) return null;
  return answering.length === 0
    ? `nobody but whoever took the access is behind ${code(owner)}, who answers for the API: let somebody else join it, and comment then`
    : `${listed(answering.map(code), 4, 'or')} must, who answer for the API; not whoever took the access`;
}
