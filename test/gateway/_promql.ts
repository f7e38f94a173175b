/** A series that an expression asks for: its name and the labels it names, with their matchers' values. */
export type Selected = { name: string; matchers: { label: string; value: string }[] };
/** `grouped`: labels named in `by`, `without`, `on` and the like. */
export type Asked = { selected: Selected[]; grouped: string[] };

const words = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan', 'start', 'end', 'atan2']);
const grouping = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const token =
  /\s+|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<range>\[[^\]]*\])|(?<number>(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+|[a-z]+\d*)*)|(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},@])/gy;

/**
 * What a PromQL expression asks for. Reads as much of the language as dashboards and rules here use, and throws on
 * what it does not know.
 */
export function parsePromql(expression: string): Asked {
  const tokens: { kind: string; text: string }[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < expression.length) {
    const at = token.lastIndex;
    const match = token.exec(expression);
    if (match === null) throw new Error(`unreadable at ${at}: ${expression.slice(at, at + 20)}`);
    const [kind, text] = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined) ?? [];
    if (kind !== undefined && text !== undefined) tokens.push({ kind, text });
  }
  const asked: Asked = { selected: [], grouped: [] };
  const textAt = (at: number) => tokens[at]?.text;
  for (let at = 0; at < tokens.length; at += 1) {
    const { kind, text } = tokens[at] ?? { kind: '', text: '' };
    if (kind !== 'name') {
      if (text === '{') throw new Error(`a selector without a name: ${expression}`);
      continue;
    }
    if (grouping.has(text)) {
      if (textAt(at + 1) !== '(') throw new Error(`${text} without a list: ${expression}`);
      for (at += 2; textAt(at) !== ')'; at += 1)
        if (tokens[at]?.kind === 'name') asked.grouped.push(textAt(at) ?? '');
      continue;
    }
    // A call, or an aggregation with its labels before what it aggregates.
    if (textAt(at + 1) === '(' || grouping.has(textAt(at + 1) ?? '') || words.has(text.toLowerCase()))
      continue;
    const selected: Selected = { name: text, matchers: [] };
    asked.selected.push(selected);
    if (textAt(at + 1) !== '{') continue;
    for (at += 2; textAt(at) !== '}'; at += 1) {
      if (tokens[at]?.kind !== 'name' || tokens[at + 2]?.kind !== 'string')
        throw new Error(`an unreadable matcher: ${expression}`);
      selected.matchers.push({ label: textAt(at) ?? '', value: (textAt(at + 2) ?? '').slice(1, -1) });
      at += 2;
      if (textAt(at + 1) === ',') at += 1;
    }
  }
  return asked;
}
