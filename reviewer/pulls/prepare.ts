import { askedFirst } from '../asking/answering.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { ForgePull } from '../forge/forge.ts';
import { combine } from '../plan/combine.ts';
import type { Finding, Plan } from '../plan/finding.ts';
import type { WantedPull } from './announce.ts';
import { checkFiles, filesOf } from './changes.ts';
import type { FileTexts, Mirror } from './mirror.ts';
import type { People } from './people.ts';
import { entriesOf, renderBody } from './text/body.ts';
import type { Family } from './text/branch.ts';
import { actionOf, editFor } from './text/decision.ts';
import type { Entry, Heard, Marker } from './text/marker.ts';
import { hasReplay, unreplayed } from './text/sections.ts';
import { renderTitle } from './text/title.ts';

export type Preparing = {
  mirror: Mirror;
  plan: Plan;
  evidence: Evidence;
  people: People;
  /** What recorded requests say of a commit on top of the base. */
  replay: (commit: string, files: FileTexts) => Promise<string | null>;
};

type Asked = { family: Family; findings: readonly Finding[]; waiting: number };

/** The commit and the text for a set of findings; what people have decided of them in `before` stands. `pull`: what it is said in so far. */
export async function prepare(
  { family, findings, waiting }: Asked,
  { mirror, plan, evidence, people, replay }: Preparing,
  before: (Heard & Pick<Marker, 'escalated'>) | null,
  pull: Pick<ForgePull, 'body'> | null = null,
): Promise<WantedPull> {
  const { organisation, asOf } = evidence;
  const decisions = new Map<string, Entry['decision']>(
    (before?.entries ?? []).map(({ fingerprint, decision }) => [fingerprint, decision]),
  );
  const entries = entriesOf(findings, decisions);
  const { owner, tier, risk } = family;
  const title = renderTitle(
    family,
    entries.map((entry) => ({ action: actionOf(entry), api: entry.api })),
  );
  const marker: Omit<Marker, 'commit'> = {
    ...{ version: 2, as_of: plan.as_of, owner, tier, risk, title, entries },
    ...(before?.escalated !== undefined && { escalated: before.escalated }),
    ...(before?.handled !== undefined && { handled: before.handled }),
  };
  const files = await filesOf(entries, evidence);
  await checkFiles(evidence.tree, files);
  const commit = await mirror.commit(files, messageOf(title, findings), asOf);
  const own = renderBody(
    {
      ...{ family, findings, plan, organisation, asOf, waiting, decisions },
      fileUrl: people.fileUrl,
      // Of what no records are at hand for in this run, another one is to tell.
      replay: (await replay(commit, files)) ?? (pull !== null && hasReplay(pull.body) ? unreplayed : null),
      mentions: people.losing(combine(entries.map(editFor), organisation)),
      // What merges by itself waits for nobody.
      isUnasked:
        tier !== 'automatic' && askedFirst({ owner, entries: findings }, organisation).names.length === 0,
    },
    { ...marker, commit },
  );
  return { marker, own, commit, draft: people.isUnsure(findings) };
}

function messageOf(
  title: string,
  findings: readonly Pick<Finding, 'action' | 'grant' | 'detector' | 'sentence'>[],
): string {
  const lines = findings.map(
    ({ action, grant, detector, sentence }) => `${action} ${grant} (${detector}): ${sentence}`,
  );
  return `${title}\n\n${lines.join('\n')}\n`;
}
