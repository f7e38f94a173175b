import { z } from 'zod';
import { counted } from '../../bundle/format/counted.ts';
import type { Forge } from '../forge/forge.ts';
import { cell, code, prose } from '../forge/markdown.ts';
import { optional } from '../forge/optional.ts';
import { type KeptIssue, readKeptIssue } from '../pulls/keptIssue.ts';
import type { Frozen } from './frozen.ts';
import type { Report } from './report.ts';

const issueLabel = 'grantgate-campaign';
const longest = 60_000;

const marker = z.object({ campaign: z.string() });
const pattern = /^<!-- grantgate:campaign-issue (\{.*\}) -->/;
const nameIn = (body: string): string | null => {
  try {
    return marker.parse(JSON.parse(pattern.exec(body)?.[1] ?? '')).campaign;
  } catch {
    return null;
  }
};

const stateWords = {
  waiting: 'not opened yet',
  open: 'open',
  merged: 'merged',
  declined: 'closed, not reviewed',
  lapsed: 'no answer, left as it is',
  nothing: 'nothing left to decide',
  failed: 'could not be brought in line',
} as const;

/** How the campaign stands, in one issue; `ready`: when all pull requests will be open, while they are not. */
export function renderIssue(frozen: Frozen, report: Report, ready: string | null): string {
  const { name, scope, opened, due, commit, population, evidence } = frozen;
  const rows = report.parts.map(
    ({ owner, number, grants, state, answered, reason }) =>
      `| ${cell(code(owner))} | ${number === null ? '' : `#${number}`} | ${answered} of ${grants.length} | ${stateWords[state]}${state === 'failed' ? `: ${prose(reason ?? '')}` : ''} |`,
  );
  const table: string[] = [];
  let left = longest;
  for (const row of rows) {
    left -= [...row].length + 1;
    if (left < 0) break;
    table.push(row);
  }
  const more = rows.length - table.length;
  const { totals, finished } = report;
  return [
    `<!-- grantgate:campaign-issue ${JSON.stringify({ campaign: name })} -->`,
    `**${prose(name)}**${scope === null ? '' : ` (${code(scope)})`}: ${counted(population.grants, 'grant')} of ${counted(report.parts.length, 'owner')}, from ${opened} to the end of ${due}. Each owner has a pull request; merging it is the answer.`,
    ...(ready === null
      ? []
      : [`> [!NOTE]\n> Pull requests are being opened, all of them by about ${ready}.`]),
    `${finished ? '**Closed.** ' : ''}${report.done} of ${counted(report.parts.length, 'owner')} done. ${Object.entries(
      totals,
    )
      .filter(([, count]) => count > 0)
      .map(([outcome, count]) => `${outcome} ${count}`)
      .join(', ')}.`,
    ...(report.problems.length === 0
      ? []
      : [
          `### To look at\n\n${report.problems
            .slice(0, 50)
            .map((one) => `- ${prose(one)}`)
            .join('\n')}`,
        ]),
    `| Owner | Pull request | Answered | |\n| --- | --- | --- | --- |\n${table.join('\n')}`,
    ...(more > 0
      ? [`${counted(more, 'owner')} more: \`grantgate review --campaign ${name} --json\` has all.`]
      : []),
    `Frozen at ${code(commit)}: population ${code(population.digest)}, evidence ${code(evidence.digest)}; ${counted(evidence.records, 'decision record')} since ${evidence.from}, coverage ${(evidence.coverage * 100).toFixed(2)} %.`,
  ].join('\n\n');
}

/** The issue of a campaign; null without one. */
export const readIssue = (forge: Forge, name: string): Promise<KeptIssue | null> =>
  readKeptIssue(forge, issueLabel, (body) => nameIn(body) === name);

/** Writes it where it says something else. A forge without issues, or a token that may not, does without. */
export async function writeIssue(
  forge: Forge,
  kept: KeptIssue | null,
  { name, body, finished }: { name: string; body: string; finished: boolean },
): Promise<KeptIssue | null> {
  const state = finished ? 'closed' : 'open';
  let written = kept;
  if (kept === null)
    await optional(async () => {
      const title = `Access campaign ${name}`;
      written = await forge.createIssue({ title, body, labels: [issueLabel] });
    });
  else if (kept.body.replace(/\r\n/g, '\n').trim() !== body.trim() || kept.state !== state)
    await optional(async () => {
      await forge.updateIssue(kept.number, { body, state });
      written = { ...kept, body, state };
    });
  return written;
}
