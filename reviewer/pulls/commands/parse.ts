import { isDay } from '../../../bundle/format/times.ts';
import { nearMiss } from '../../../bundle/yaml/nearMiss.ts';
import { code } from '../../forge/markdown.ts';
import { spokenLines } from './spokenLines.ts';

/** What somebody asks for in a comment; `grant` is null for all that the pull request holds. */
export type Command =
  | { verb: 'keep' | 'extend'; grant: string | null; until: string; reason: string }
  | { verb: 'narrow'; grant: string | null; to: string | null }
  | { verb: 'revoke' | 'suspend' | 'split' | 'why'; grant: string | null }
  | { verb: 'reassign'; grant: string | null; owner: string }
  | { verb: 'help' };

export type Verb = Command['verb'];
/** A line that is meant as a command and is none, with what is wrong. */
export type Misuse = { line: string; problem: string };

/** How each is written; `/help` shows this. */
export const usage: Readonly<Record<Verb, string>> = {
  keep: '/keep [GRANT] UNTIL REASON',
  narrow: '/narrow [GRANT] [ROLE or OPERATION,OPERATION]',
  extend: '/extend [GRANT] UNTIL REASON',
  revoke: '/revoke [GRANT]',
  suspend: '/suspend [GRANT]',
  reassign: '/reassign [GRANT] group:NAME',
  split: '/split [GRANT]',
  why: '/why [GRANT]',
  help: '/help',
};

export const verbs = Object.keys(usage) as Verb[];
/** What each does, in a few words. */
export const meaning: Readonly<Record<Verb, string>> = {
  keep: 'it stays as it is, and is asked again after that day',
  narrow: 'it keeps only that role or those operations',
  extend: 'it stays, and ends after that day',
  revoke: 'it is deleted',
  suspend: 'it stays in the file and gives nothing',
  reassign: 'somebody else answers for it',
  split: 'it moves to a pull request of its own',
  why: 'what found it, by which criterion',
  help: 'this',
};

const longestReason = 500;
/** What is meant as a command is shorter, and what is answered has room in a comment. */
const longestLine = 2000;
/** As much of somebody's text as an answer repeats. */
export const clipped = (line: string): string =>
  line.length > 200 ? `${[...line].slice(0, 200).join('')}…` : line;

/** Reads the commands of a comment, in their order; `grants` are those that the pull request holds. */
export function parseCommands(
  text: string,
  grants: readonly string[],
): { commands: Command[]; misuses: Misuse[] } {
  const commands: Command[] = [];
  const misuses: Misuse[] = [];
  for (const line of spokenLines(text)) {
    const match = /^\/([A-Za-z_-]+)(?:[ \t]+(.*))?$/.exec(line.trimEnd());
    const [, said = '', rest = ''] = match ?? [];
    const words = rest.trim().split(/\s+/).filter(Boolean);
    const verb = verbs.find((known) => known === said);
    if (verb === undefined) {
      // Other programs have commands too; what names a grant from here is meant for us.
      if (words[0] !== undefined && grants.includes(words[0]))
        misuses.push({
          line: clipped(line.trim()),
          problem: `there is no such command${nearMiss(said, verbs)}, ${code('/help')} lists them`,
        });
      continue;
    }
    if (line.length > longestLine) {
      misuses.push({ line: clipped(line.trim()), problem: `it is longer than ${longestLine} characters` });
      continue;
    }
    const read = readCommand(verb, words, grants);
    if (typeof read === 'string') misuses.push({ line: clipped(line.trim()), problem: read });
    else commands.push(read);
  }
  return { commands, misuses };
}

/** A command, or what is wrong with it. */
function readCommand(verb: Verb, words: string[], grants: readonly string[]): Command | string {
  const form = `write \`${usage[verb]}\``;
  const first = words[0];
  const grant = first !== undefined && grants.includes(first) ? first : null;
  const rest = grant === null ? words : words.slice(1);
  const [word, ...more] = rest;
  switch (verb) {
    case 'keep':
    case 'extend': {
      if (word === undefined || !isDay(word)) {
        if (word !== undefined && more[0] !== undefined && isDay(more[0]))
          return `this pull request holds no grant ${code(clipped(word))}`;
        return `UNTIL must be a day like 2027-03-31: ${form}`;
      }
      const reason = more.join(' ').trim();
      if (reason === '') return `a reason is missing: ${form}`;
      if (reason.length > longestReason) return `the reason is longer than ${longestReason} characters`;
      return { verb, grant, until: word, reason };
    }
    case 'narrow':
      if (more.length > 0) return form;
      return { verb, grant, to: word ?? null };
    case 'reassign':
      if (word === undefined || !/^(?:user|group):./.test(rest.join(' '))) return form;
      return { verb, grant, owner: rest.join(' ') };
    case 'revoke':
    case 'suspend':
    case 'split':
    case 'why':
      if (rest.length > 0)
        return `this pull request holds no grant ${code(clipped(rest.join(' ')))}: ${form}`;
      return { verb, grant };
    case 'help':
      return { verb };
    default:
      verb satisfies never;
      return form;
  }
}
