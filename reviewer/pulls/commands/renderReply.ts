import { code } from '../../forge/markdown.ts';
import { type Misuse, meaning, usage, verbs } from './parse.ts';

const mostLines = 20;

type Said = { replies: readonly string[]; misuses: readonly Misuse[]; asks: boolean };

/** One clear answer to a comment; null when there is nothing to say beyond a nod. */
export function renderReply(login: string, { replies, misuses, asks }: Said): string | null {
  const lines = [...replies, ...misuses.map(({ line, problem }) => `${code(line)}: ${problem}`)];
  if (lines.length === 0 && !asks) return null;
  const shown = lines.slice(0, mostLines).map((line) => `- ${line}`);
  if (lines.length > mostLines) shown.push(`- and ${lines.length - mostLines} more`);
  const help = [
    'A line of a comment or review that begins with one of these decides, for one grant or, without GRANT, for all that stand here:',
    '',
    ...verbs.map((verb) => `- ${code(usage[verb])}: ${meaning[verb]}`),
    '',
    'Owners may, by the directory on the base branch, whoever was asked here in their place, and whoever may push here; nobody keeps access of their own. **Merging is the attestation.**',
  ];
  return [
    ...(shown.length > 0 ? [`@${login}`, '', ...shown] : []),
    ...(asks ? [...(shown.length > 0 ? [''] : []), ...help] : []),
  ].join('\n');
}
