import type { Argument, Command, Option } from 'commander';

/** What stands behind an option, or in a place: a file, a folder, one of some words, or text that nobody can guess. */
export type Takes =
  | { kind: 'file' | 'folder' | 'text'; many: boolean }
  | { kind: 'words'; words: readonly string[]; many: boolean };

export type OptionWords = {
  /** The long one last: `-h`, `--help`. */
  names: readonly string[];
  about: string;
  takes: Takes | null;
};

/** A command by its path (`key new`; of the program itself ''), with all that may stand behind it. */
export type CommandWords = {
  path: string;
  about: string;
  commands: readonly { name: string; about: string }[];
  options: readonly OptionWords[];
  places: readonly Takes[];
};

/** Every command of a program, the program first. Throws where a word would have to be quoted in a shell. */
export function completionTable(program: Command): CommandWords[] {
  const visit = (command: Command, path: string): CommandWords[] => [
    wordsOf(command, path),
    ...command.commands.flatMap((inner) =>
      visit(inner, path === '' ? inner.name() : `${path} ${inner.name()}`),
    ),
  ];
  return visit(program, '');
}

function wordsOf(command: Command, path: string): CommandWords {
  return {
    path,
    about: command.description(),
    commands: command.commands.map((inner) => ({ name: plain(inner.name()), about: inner.description() })),
    options: command.createHelp().visibleOptions(command).map(optionOf),
    places: command.registeredArguments.map(takenBy),
  };
}

function optionOf(option: Option): OptionWords {
  return {
    names: [option.short, option.long].filter((name) => typeof name === 'string').map(plain),
    about: option.description,
    takes: option.required || option.optional ? takenBy(option) : null,
  };
}

/** What commands call their values: `--config <file>`, `[root]`. */
const kinds: Readonly<Record<string, 'file' | 'folder'>> = {
  ...{ file: 'file', pem: 'file', paths: 'file', places: 'file', 'id=pem': 'file', source: 'file' },
  ...{ folder: 'folder', folders: 'folder', root: 'folder' },
};

function takenBy(one: Option | Argument): Takes {
  const { argChoices: words, variadic: many } = one;
  if (words !== undefined) return { kind: 'words', words: words.map(plain), many };
  const name = 'flags' in one ? (/[<[]([^>\]]*?)(?:\.\.\.)?[>\]]/.exec(one.flags)?.[1] ?? '') : one.name();
  return { kind: kinds[name] ?? 'text', many };
}

function plain(word: string): string {
  if (!/^[\w.-]+$/.test(word)) throw new TypeError(`"${word}" means something else in a shell`);
  return word;
}
