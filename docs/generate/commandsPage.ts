import type { Command, Option } from 'commander';
import { listed } from '../../bundle/format/counted.ts';
import { createProgram } from '../../commands/program.ts';

/** A command as it is called (`key new`), with the words of its help. */
export type CommandFacts = {
  name: string;
  usage: string;
  description: string;
  arguments: readonly { name: string; description: string }[];
  options: readonly { flags: string; description: string }[];
  /** What help says after the options: examples. */
  examples: readonly string[];
};

/** Every command that does something, in the order of the program's help. */
export function readCommands(): CommandFacts[] {
  const found: CommandFacts[] = [];
  const visit = (command: Command, path: string) => {
    const name = path === '' ? command.name() : `${path} ${command.name()}`;
    if (command.commands.length > 0) for (const inner of command.commands) visit(inner, name);
    else found.push(factsOf(command, name));
  };
  for (const command of createProgram().commands) visit(command, '');
  return found;
}

function factsOf(command: Command, name: string): CommandFacts {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  const after = help.split('\nExample:\n')[1] ?? '';
  return {
    name,
    usage: `grantgate ${name} ${command.usage()}`,
    description: command.description(),
    arguments: command.registeredArguments.map((one) => ({
      name: one.name(),
      description: `${one.description}${allowed(one.argChoices)}.${fallback(one.defaultValue)}`,
    })),
    options: command.options.map((option) => ({ flags: option.flags, description: describe(option) })),
    examples: after
      .split('\n')
      .map((line) => line.trim().replace(/^\$ /, ''))
      .filter((line) => line !== ''),
  };
}

/** A default that is taken from the environment is another one on each machine: its own word for it is in the text. */
function describe(option: Option): string {
  const { defaultValue, mandatory, description, argChoices } = option;
  const told = fromEnvironment.has(option.long ?? '') ? '' : fallback(defaultValue);
  return `${description.replace(/\.$/, '')}${allowed(argChoices)}.${told}${mandatory ? ' Required.' : ''}`;
}

const allowed = (choices: readonly string[] | undefined) =>
  choices === undefined ? '' : `: ${choices.map((one) => `\`${one}\``).join(', ')}`;

function fallback(value: unknown): string {
  const plain = typeof value === 'string' || typeof value === 'number';
  const shown = Array.isArray(value) ? value.join(', ') : plain ? String(value) : '';
  return shown === '' ? '' : ` Default: \`${shown}\`.`;
}

const fromEnvironment = new Set(['--forge', '--repository', '--github']);

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** docs/reference/commands.md */
export function commandsPage(): string {
  const commands = readCommands();
  const silent = commands.filter(({ options }) => !options.some(({ flags }) => flags === '--json'));
  const without = listed(
    silent.map(({ name }) => `\`${name}\``),
    silent.length,
  );
  const parts = [
    '# Commands',
    `Each has \`--help\` and, but for ${without}, \`--json\`. Exit code 0: done; 1: problems, or findings that fail what the command promises; 2: called or configured wrongly. Progress goes to standard error, when that is a terminal.`,
    commands.map(({ name, description }) => `- [\`${name}\`](#${anchor(name)}): ${description}`).join('\n'),
    ...commands.map(section),
  ];
  return `${parts.join('\n\n')}\n`;
}

const anchor = (name: string) => `grantgate-${name.replaceAll(' ', '-')}`;

function section({ name, usage, description, arguments: given, options, examples }: CommandFacts): string {
  const rows = [
    ...given.map((one) => `| \`${one.name}\` | ${cell(one.description)} |`),
    ...options.map(
      ({ flags, description: text }) => `| \`${flags.replaceAll('|', '\\|')}\` | ${cell(text)} |`,
    ),
  ];
  return [
    `## grantgate ${name}`,
    description,
    `\`\`\`text\n${usage}\n\`\`\``,
    `| | |\n| --- | --- |\n${rows.join('\n')}`,
    ...(examples.length === 0 ? [] : [`\`\`\`sh\n${examples.join('\n')}\n\`\`\``]),
  ].join('\n\n');
}
