import type { CommandWords, OptionWords, Takes } from './completionTable.ts';

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** Words within a spec of `_arguments`, where brackets and colons have a meaning. */
const escaped = (text: string) => text.replaceAll(/[\\[\]:]/g, '\\$&').replaceAll('\n', ' ');

function taken(takes: Takes): string {
  if (takes.kind === 'words') return `:value:(${takes.words.join(' ')})`;
  return { file: ':file:_files', folder: ':folder:_files -/', text: ':value: ' }[takes.kind];
}

function optionSpec({ names, about, takes }: OptionWords): string {
  const many = takes?.many === true ? '*' : '';
  const spec = (name: string) =>
    quoted(
      `${many}${name}${takes === null ? '' : '='}[${escaped(about)}]${takes === null ? '' : taken(takes)}`,
    );
  return names.map(spec).join(' ');
}

const nameOf = (path: string) =>
  ['_grantgate', ...path.split(' ')].join('_').replaceAll('-', '_').replace(/_$/, '');

function functionOf({ path, commands, options, places }: CommandWords): string {
  const known = options.map(optionSpec);
  const begins = `${nameOf(path)}() {\n  local curcontext="$curcontext" state line\n  local -A opt_args`;
  if (commands.length > 0)
    return `${begins}
  local -a commands=(
${commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`).join('\n')}
  )
  _arguments -C ${known.join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest) case $line[1] in
${commands.map(({ name }) => `      ${name}) ${nameOf(`${path} ${name}`.trim())} ;;`).join('\n')}
    esac ;;
  esac
}`;
  const at = places.map((takes, index) => quoted(`${takes.many ? '*' : index + 1}${taken(takes)}`));
  // Of an option with any number of values, those behind the first stand in no place.
  const behind = options.find(({ takes }) => takes?.many === true && takes.kind !== 'text')?.takes;
  if (behind && !places.some(({ many }) => many)) at.push(quoted(`*${taken(behind)}`));
  return `${begins}\n  _arguments -C \\\n    ${[...known, ...at].join(' \\\n    ')}\n}`;
}

/** Completion for zsh, as a file of `fpath` or to be sourced. */
export function zshCompletion(table: readonly CommandWords[]): string {
  return `#compdef grantgate
# grantgate completion zsh > a folder of your fpath, as _grantgate; or \`source <(grantgate completion zsh)\` behind compinit
${table.map(functionOf).reverse().join('\n')}
if [ "$funcstack[1]" = _grantgate ]; then _grantgate "$@"; else compdef _grantgate grantgate; fi
`;
}
