import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Forge } from '../forge/forge.ts';
import { code } from '../forge/markdown.ts';
import { principalOf } from '../pulls/commands/permission.ts';
import { notTheirs } from '../pulls/commands/readComment.ts';
import { spokenLines } from '../pulls/commands/spokenLines.ts';
import { versionsOf } from '../restore/versionsOf.ts';
import { emergencyLabel, emergencyPrefix } from './requestProposal.ts';

export const attestedLabel = 'grantgate-attested';
const command = /^\/attest[ \t]+(\S.*)$/;
const ownMark = '<!-- grantgate:attest -->';

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
  if (!pull.branch.startsWith(emergencyPrefix) || !pull.merged || !pull.labels.includes(emergencyLabel))
    return null;
  if (pull.labels.includes(attestedLabel)) return { attested: true };
  // What was merged says who took what: the text of a pull request is changed by whoever may.
  const [first] = await versionsOf(tree, pull.branch.slice(emergencyPrefix.length), 0);
  const taken = first?.grant?.entry;
  const owner = taken === undefined ? undefined : organisation.apis.get(taken.api)?.owner;
  if (taken === undefined || owner === undefined) return null;
  const answering = peopleBehind(owner, organisation).map(fold);
  const replied = new Set<string>();
  const comments = await forge.comments(number);
  for (const { body } of comments)
    if (body.startsWith(ownMark)) replied.add(/\[(\w+)\]/.exec(body)?.[1] ?? '');
  for (const comment of comments) {
    const { key, author, body } = comment;
    if (comment.isBot || body.startsWith(ownMark)) continue;
    const reason = spokenLines(body).flatMap((line) => command.exec(line)?.[1]?.trim() ?? [])[0];
    if (reason === undefined) continue;
    const spoiled = notTheirs(comment);
    const principal = principalOf(author, organisation);
    if (
      spoiled === null &&
      principal !== null &&
      answering.includes(fold(principal)) &&
      fold(principal) !== fold(taken.principal)
    ) {
      await forge.addLabels(number, [attestedLabel]);
      await forge.comment(
        number,
        `${ownMark}\n<!-- [${key}] -->\nAttested by ${code(principal)}: ${code(reason)}`,
      );
      return { attested: true };
    }
    if (!replied.has(key))
      await forge.comment(
        number,
        `${ownMark}\n<!-- [${key}] -->\n${code(author)} cannot attest this: ${spoiled ?? 'somebody who answers for the API must, and not whoever took the access'}.`,
      );
  }
  return { attested: false };
}
