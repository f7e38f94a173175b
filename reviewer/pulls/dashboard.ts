import { counted } from '../../bundle/format/counted.ts';
import type { Forge } from '../forge/forge.ts';
import { code, prose } from '../forge/markdown.ts';
import { optional } from '../forge/optional.ts';
import { type KeptIssue, readKeptIssue } from './keptIssue.ts';
import type { Pull } from './pull.ts';

const dashboardLabel = 'grantgate-dashboard';
const first = '<!-- grantgate:dashboard -->';
/** GitHub's limit of an issue, counted in characters. */
const longestIssue = 65_536;
/** How many grants a line names and lines a list has: as many as there is room for. */
const measures = [20, 3, 0].map((grants) => ({ grants, lines: Number.POSITIVE_INFINITY }));
const tight = [400, 200, 100, 50, 25].map((lines) => ({ grants: 0, lines }));

/** One line of a branch, with a box that asks for it. */
const box = (branch: string) => `- [ ] <!-- grantgate:ask ${branch} -->`;

/** What else people are waited for; lines are Markdown. */
export type Section = { title: string; lines: readonly string[] };

/** The branches whose boxes somebody has ticked. */
export function askedFor(body: string): ReadonlySet<string> {
  if (!body.startsWith(first)) return new Set();
  return new Set(
    [...body.matchAll(/^- \[[xX]\] <!-- grantgate:ask (\S+) -->/gm)].map(([, name = '']) => name),
  );
}

/**
 * What is held back and why, and what is open, within GitHub's limit: many lines name fewer grants, or are counted. The
 * same pulls give the same text.
 */
export function renderDashboard(
  pulls: readonly Pull[],
  paused: string | null,
  also: readonly Section[] = [],
): string {
  let text = '';
  for (const measure of [...measures, ...tight]) {
    text = render(pulls, paused, also, measure);
    if ([...text].length <= longestIssue) break;
  }
  return text;
}

function render(
  pulls: readonly Pull[],
  paused: string | null,
  also: readonly Section[],
  most: { grants: number; lines: number },
): string {
  const grants = (names: readonly string[]) =>
    most.grants === 0
      ? counted(names.length, 'grant')
      : names.slice(0, most.grants).map(code).join(', ') +
        (names.length > most.grants ? ` and ${names.length - most.grants} more` : '');
  const line = ({ number, branch, reason, grants: names, no_response: due }: Pull) =>
    `${number === null ? code(branch) : `#${number}`}: ${grants(names)}${reason === undefined ? '' : ` – ${prose(reason.slice(0, 500))}`}${due === undefined ? '' : ` – without an answer by ${due.at.slice(0, 10)}: ${code(due.rule)}`}`;
  const held = pulls.filter(({ action, number }) => action === 'held' && number === null);
  const answered = pulls.filter(({ action, number }) => action === 'held' && number !== null);
  const failed = pulls.filter(({ action }) => action === 'failed');
  const blocked = pulls.filter(({ action }) => action === 'blocked');
  const open = pulls.filter(({ action }) => /opened|updated|unchanged|reminded/.test(action));
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : [
          `### ${title}\n\n${lines.slice(0, most.lines).join('\n')}${lines.length > most.lines ? `\n- and ${lines.length - most.lines} more` : ''}`,
        ];
  return [
    first,
    'What the access review holds back. Tick a box, and the next run opens it whatever the limits say.',
    ...(paused === null ? [] : [`> [!IMPORTANT]\n> ${prose(paused)}`]),
    ...also.flatMap(({ title, lines }) =>
      list(
        title,
        lines.map((one) => `- ${one}`),
      ),
    ),
    ...list(
      `Held back (${counted(held.length, 'pull request')})`,
      held.map((pull) => `${box(pull.branch)} ${line(pull)}`),
    ),
    ...list(
      'No pull request can put right',
      blocked.map(({ grants: names, reason = '' }) => `- ${grants(names)} – ${prose(reason)}`),
    ),
    ...list(
      'Could not be brought in line',
      failed.map((pull) => `- ${line(pull)}`),
    ),
    ...list(
      'Answered, and remembered',
      answered.map((pull) => `- ${line(pull)}`),
    ),
    ...list(
      'Open',
      open.map((pull) => `- ${line(pull)}`),
    ),
  ].join('\n\n');
}

/** The dashboard as it stands; null where there is none. */
export const readDashboard = (forge: Forge): Promise<KeptIssue | null> =>
  readKeptIssue(forge, dashboardLabel, (body) => body.startsWith(first));

type Said = { pulls: readonly Pull[]; paused: string | null; also?: readonly Section[] | undefined };

/** Writes it where it says something else; it is begun once something is held back. */
export async function writeDashboard(
  forge: Forge,
  kept: KeptIssue | null,
  { pulls, paused, also = [] }: Said,
): Promise<void> {
  const body = renderDashboard(pulls, paused, also);
  const says =
    paused !== null ||
    also.some(({ lines }) => lines.length > 0) ||
    pulls.some(({ action }) => /^(?:held|blocked|failed)$/.test(action));
  if (kept === null && !says) return;
  const state = says ? 'open' : 'closed';
  if (kept === null) {
    await optional(() =>
      forge.createIssue({ title: 'Access review dashboard', body, labels: [dashboardLabel] }),
    );
    return;
  }
  // GitHub may keep line ends otherwise.
  const same = kept.body.replace(/\r\n/g, '\n').trim() === body.trim();
  if (!same || kept.state !== state) await optional(() => forge.updateIssue(kept.number, { body, state }));
}
