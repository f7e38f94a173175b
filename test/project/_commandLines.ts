import type { Command } from 'commander';
import { createProgram } from '../../commands/program.ts';

/** Calls of `grantgate` in the shell blocks and code spans of a page, each up to where the command ends. */
function callsOf(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```(?:sh|console)?\n([\s\S]*?)^```$/gm)].flatMap(([, body = '']) =>
    body.replace(/\\\n\s*/g, ' ').split('\n'),
  );
  const sentences = markdown.replace(/^```[\s\S]*?^```$/gm, '');
  const spans = [...sentences.matchAll(/`(grantgate [^`]+)`/g)].map(([, span = '']) =>
    span.replace(/\n/g, ' '),
  );
  const called = /(?:^|[|;&(]|[A-Z_]+=\S+) *(?:\$ )?grantgate ([^|;&>#)]*)/g;
  return [...blocks, ...spans].flatMap((line) =>
    [...line.matchAll(called)].map(([, call = '']) => call.trim()),
  );
}

function problemsOf(call: string): string[] {
  const words = call.split(/\s+/);
  let command: Command = createProgram();
  let name = 'grantgate';
  while (command.commands.length > 0) {
    const word = words.shift();
    // Said of the program, or of several of its commands.
    if (word === undefined || !/^[a-z][a-z-]*$/.test(word)) break;
    name += ` ${word}`;
    const found = command.commands.find((one) => one.name() === word);
    if (found === undefined) return [`${name}: no such command`];
    command = found;
  }
  const known = new Set(['--help', '--version', ...command.options.map(({ long }) => long)]);
  return words
    .map((word) => /^--[a-z][a-z-]*/.exec(word.replace(/^[['"(]+/, ''))?.[0])
    .filter((option) => option !== undefined)
    .filter((option) => !known.has(option))
    .map((option) => `${name}: no option ${option}`);
}

/** What a page calls that the program does not have. */
export const commandProblems = (markdown: string): string[] => callsOf(markdown).flatMap(problemsOf);
