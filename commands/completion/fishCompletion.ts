import type { CommandWords, Takes } from './completionTable.ts';

const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
const folders = "'(__fish_complete_directories)'";

/** Of an option: what its value may be. */
function taken(takes: Takes): string {
  if (takes.kind === 'words') return ` -x -a ${quoted(takes.words.join(' '))}`;
  return { file: ' -r -F', folder: ` -x -a ${folders}`, text: ' -x' }[takes.kind];
}

/** What may stand in any of a command's places, or behind an option with any number of values: fish does not count them. */
function inPlaces({ places: own, options }: CommandWords): string[] {
  const places = [...own, ...options.flatMap(({ takes }) => (takes?.many ? [takes] : []))];
  if (places.some(({ kind }) => kind === 'file')) return ['-F'];
  if (places.some(({ kind }) => kind === 'folder')) return [`-a ${folders}`];
  return places.flatMap((takes) => (takes.kind === 'words' ? [`-a ${quoted(takes.words.join(' '))}`] : []));
}

function linesOf(command: CommandWords): string[] {
  const { path, commands, options } = command;
  const begin = `complete -c grantgate -n "__grantgate_at ${quoted(path)}"`;
  return [
    ...commands.map(({ name, about }) => `${begin} -a ${name} -d ${quoted(about)}`),
    ...options.map(({ names, about, takes }) => {
      const spelled = names.map((name) =>
        name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
      );
      return `${begin} ${spelled.join(' ')}${takes === null ? '' : taken(takes)} -d ${quoted(about)}`;
    }),
    ...inPlaces(command).map((what) => `${begin} ${what}`),
  ];
}

/** Completion for fish. */
export function fishCompletion(table: readonly CommandWords[]): string {
  return `# grantgate completion fish > ~/.config/fish/completions/grantgate.fish
function __grantgate_at -d 'Whether the command line is at this command'
    set -l words (commandline -opc)
    set -e words[1]
    set -l command ''
    for word in $words
        set -l next (string trim -- "$command $word")
        contains -- $next ${table.flatMap(({ path }) => (path === '' ? [] : [quoted(path)])).join(' ')}; or break
        set command $next
    end
    test "$command" = "$argv[1]"
end
complete -c grantgate -f
${table.flatMap(linesOf).join('\n')}
`;
}
