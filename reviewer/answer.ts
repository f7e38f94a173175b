import { rememberFiles } from '../bundle/git/rememberFiles.ts';
import { campaignOf } from './campaign/frozen.ts';
import { answerCampaign } from './campaign.ts';
import { type ForgeTarget, openForge } from './forge/forge.ts';
import { organisationOf } from './organisationOf.ts';
import { answerComments } from './pulls/commands/answerComments.ts';
import type { Answered } from './pulls/commands/answerEach.ts';
import { openMirror } from './pulls/mirror.ts';
import { attest } from './requests/attest.ts';

export type { Answered } from './pulls/commands/answerEach.ts';

/**
 * Carries out what the comments on one pull request ask for, by the directory and the rules of the base branch. Throws
 * ForgeError, ReviewError `grants-invalid`, `aborted`.
 */
export async function answer(
  target: ForgeTarget,
  number: number,
  signal?: AbortSignal,
  nowMs: number = Date.now(),
): Promise<Answered> {
  const forge = openForge(target, signal);
  const campaign = campaignOf((await forge.getPull(number)).branch);
  if (campaign !== null)
    return answerCampaign(forge, campaign, number, { asOf: Math.floor(nowMs / 1000), signal });
  const mirror = await openMirror(forge, signal);
  try {
    const tree = rememberFiles(await mirror.tree());
    const organisation = await organisationOf(tree, "nobody's right can be told, as the base branch has");
    const attested = await attest(forge, number, { tree, organisation });
    if (attested !== null) {
      const reason = attested.attested
        ? 'the emergency is attested'
        : 'nobody has attested the emergency yet';
      return { number, handled: attested.attested ? 1 : 0, changed: false, reason };
    }
    return await answerComments({ forge, mirror, base: { tree, organisation }, number });
  } finally {
    await mirror.close();
  }
}
