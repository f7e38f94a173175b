import type { CommandWords, Takes } from './completionTable.ts';

/** What `_grantgate_takes` prints: `+` in front where any number may follow. */
const coded = (takes: Takes) =>
  `${takes.many ? '+' : ''}${takes.kind === 'words' ? takes.words.join(' ') : `:${takes.kind}`}`;

const lookUp = (name: string, of: string, rows: readonly (readonly [key: string, value: string])[]) =>
  `${name}() {
  case ${of} in
${rows.map(([key, value]) => `    '${key}') echo '${value}' ;;`).join('\n')}
  esac
}`;

/** Completion for bash from 3.2, which needs nothing but itself. */
export function bashCompletion(table: readonly CommandWords[]): string {
  const commands = table
    .filter((one) => one.commands.length > 0)
    .map(({ path, commands: inner }) => [path, inner.map(({ name }) => name).join(' ')] as const);
  const options = table.map(
    ({ path, options: known }) => [path, known.flatMap(({ names }) => names).join(' ')] as const,
  );
  const taken = table.flatMap(({ path, options: known, places }) => [
    ...known.flatMap(({ names, takes }) =>
      takes === null ? [] : names.map((name) => [`${path} ${name}`, coded(takes)] as const),
    ),
    ...places.map((takes, index) => [`${path} ${takes.many ? '*' : index + 1}`, coded(takes)] as const),
  ]);
  return `# grantgate completion bash: put \`source <(grantgate completion bash)\` into ~/.bashrc
${lookUp('_grantgate_commands', '"$1"', commands)}
${lookUp('_grantgate_options', '"$1"', options)}
${lookUp('_grantgate_takes', '"$1 $2"', taken)}
${walk}`;
}

const walk = `_grantgate() {
  local cur= command= takes= place=1 word joined= index
  local -a words=()
  # Bash splits at : and =; what stood together is put together, and an option is told from its value.
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in
      :*) words[\${#words[@]} ? \${#words[@]} - 1 : 0]+=$word; joined=1; continue ;;
      =) [ "$index" -lt "$COMP_CWORD" ] && continue; word= ;;
    esac
    if [ -n "$joined" ]; then words[\${#words[@]} - 1]+=$word; joined=; else words+=("$word"); fi
  done
  cur=\${words[\${#words[@]} - 1]}
  unset "words[\${#words[@]} - 1]"
  for word in "\${words[@]}"; do
    case $word in -*) takes=$(_grantgate_takes "$command" "$word"); continue ;; esac
    if [ -n "$takes" ]; then
      case $takes in +*) ;; *) takes= ;; esac
    elif [ -n "$(_grantgate_commands "$command")" ]; then
      command=\${command:+$command }$word
    else
      place=$((place + 1))
    fi
  done
  COMPREPLY=()
  case $cur in -*) COMPREPLY=($(compgen -W "$(_grantgate_options "$command")" -- "$cur")); return ;; esac
  [ -n "$takes" ] || takes=$(_grantgate_commands "$command")
  [ -n "$takes" ] || takes=$(_grantgate_takes "$command" "$place")
  [ -n "$takes" ] || takes=$(_grantgate_takes "$command" '*')
  case \${takes#+} in
    :text) ;;
    :file | :folder)
      # Quotes and ~ are for the shell to read: where nothing is found, it looks itself.
      type compopt > /dev/null 2>&1 && compopt -o filenames -o default
      word=-f
      [ "\${takes#+}" = :folder ] && word=-d
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$word" -- "$cur") ;;
    '') COMPREPLY=($(compgen -W "$(_grantgate_options "$command")" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "\${takes#+}" -- "$cur")) ;;
  esac
}
complete -F _grantgate grantgate
`;
