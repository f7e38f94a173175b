/** data.json is not in the line form: the bundle is refused. `at` is the offset of the first byte that does not fit. */
export class LineFormError extends Error {
  readonly code = 'bundle-malformed';
  readonly at: number;
  constructor(message: string, at: number) {
    super(`data.json is malformed at byte ${at}: ${message}`);
    this.name = 'LineFormError';
    this.at = at;
  }
}

/** A cursor over bytes that must be compact JSON: no white space anywhere, line feeds only where asked for. */
export type LineForm = {
  at(): number;
  /** The byte at the cursor, or -1 at the end. */
  peek(): number;
  /** Steps over exactly this ASCII text. */
  expect(text: string): void;
  /** Steps over one line feed if it is there; says whether. */
  lineFeed(): boolean;
  /** Steps over a JSON string; says whether it holds an escape. */
  string(): boolean;
  /** Steps over any JSON value. */
  value(): void;
};

/** Deep enough for every value in data.json, and far from exhausting a stack. */
const depthLimit = 16;

/** Opens a cursor at the first byte. Its steps throw LineFormError where the bytes do not fit. */
export function lineFormAt(data: Uint8Array): LineForm {
  let at = 0;
  const fail = (message: string): never => {
    throw new LineFormError(message, at);
  };

  const expect = (text: string) => {
    for (let i = 0; i < text.length; i += 1)
      if (data[at + i] !== text.charCodeAt(i)) fail(`expected ${JSON.stringify(text)}`);
    at += text.length;
  };

  const string = (): boolean => {
    if (data[at] !== 0x22) fail('expected a string');
    let escaped = false;
    for (let i = at + 1; ; i += 1) {
      const byte = data[i];
      if (byte === 0x22) {
        at = i + 1;
        return escaped;
      }
      if (byte === undefined || byte < 0x20) fail('has a string that does not end on its line');
      if (byte === 0x5c) {
        escaped = true;
        i += escapeLength(data, i + 1) || fail('has an unknown escape');
      }
    }
  };

  const digits = () => {
    const start = at;
    for (let byte = data[at] ?? 0; byte >= 0x30 && byte <= 0x39; byte = data[at] ?? 0) at += 1;
    if (at === start) fail('expected a digit');
  };

  const number = () => {
    if (data[at] === 0x2d) at += 1;
    if (data[at] === 0x30) at += 1;
    else digits();
    if (data[at] === 0x2e) {
      at += 1;
      digits();
    }
    if (data[at] === 0x65 || data[at] === 0x45) {
      at += 1;
      if (data[at] === 0x2b || data[at] === 0x2d) at += 1;
      digits();
    }
  };

  const value = (depth = 0): void => {
    if (depth > depthLimit) fail('is nested too deeply');
    switch (data[at]) {
      case 0x22:
        string();
        return;
      case 0x7b:
        at += 1;
        if (data[at] === 0x7d) break;
        for (;;) {
          string();
          expect(':');
          value(depth + 1);
          if (data[at] !== 0x2c) break;
          at += 1;
        }
        if (data[at] !== 0x7d) fail('expected "," or "}"');
        break;
      case 0x5b:
        at += 1;
        if (data[at] === 0x5d) break;
        for (;;) {
          value(depth + 1);
          if (data[at] !== 0x2c) break;
          at += 1;
        }
        if (data[at] !== 0x5d) fail('expected "," or "]"');
        break;
      case 0x74:
        expect('true');
        return;
      case 0x66:
        expect('false');
        return;
      case 0x6e:
        expect('null');
        return;
      default:
        number();
        return;
    }
    at += 1;
  };

  const lineFeed = () => {
    if (data[at] !== 0x0a) return false;
    at += 1;
    return true;
  };
  return { at: () => at, peek: () => data[at] ?? -1, expect, lineFeed, string, value: () => value() };
}

/** How many bytes follow the backslash, or 0 for an escape JSON does not know. */
function escapeLength(data: Uint8Array, at: number): number {
  const byte = data[at];
  if (byte !== 0x75) return byte !== undefined && '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0;
  for (let i = 1; i <= 4; i += 1) if (!/[0-9a-fA-F]/.test(String.fromCharCode(data[at + i] ?? 0))) return 0;
  return 5;
}
