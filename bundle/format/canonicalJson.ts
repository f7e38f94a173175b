// One text per value, the one Go's encoder writes with HTML escaping off: OPA signs bundles over that text, so a
// document written like this can be hashed as it stands.

const plain = /^[\x20\x21\x23-\x5b\x5d-\u2027\u202a-\ud7ff\ue000-\uffff]*$/;
const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quote(value: string): string {
  if (plain.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new TypeError('a string holds a lone surrogate');
  const escaped = value.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to escape
    /["\\\u0000-\u001f\u2028\u2029]/g,
    (character) => short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

/** How long the escape at `start` of JSON's bytes is; 0 unless it is the one that {@link canonicalJson} writes. */
export function escapeLength(json: Buffer, start: number): number {
  if ('"\\bfnrt'.includes(String.fromCharCode(json[start + 1] ?? 0))) return 2;
  const code = /^\\u([0-9a-f]{4})$/.exec(json.toString('latin1', start, start + 6))?.[1];
  return code !== undefined && quote(JSON.parse(`"\\u${code}"`)) === `"\\u${code}"` ? 6 : 0;
}

function number(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('a number is not finite');
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Orders strings by code point, as UTF-8 bytes sort; plain comparison orders by UTF-16 unit and differs above U+FFFF. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    let a = left.charCodeAt(index);
    let b = right.charCodeAt(index);
    if (a === b) continue;
    // Surrogates stand for code points above every other unit.
    if (a >= 0xd800 && b >= 0xd800) {
      a = a >= 0xe000 ? a - 0x800 : a + 0x2000;
      b = b >= 0xe000 ? b - 0x800 : b + 0x2000;
    }
    return a - b;
  }
  return left.length - right.length;
}

/**
 * Compact JSON with keys in code point order. Properties that are undefined are left out. Throws TypeError for what
 * JSON cannot hold: other types, lone surrogates, numbers that are not finite.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || value === true || value === false) return String(value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`JSON cannot hold a ${typeof value}`);
  const members: string[] = [];
  const object = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(object).sort(compareCodePoints)) {
    const member = object[key];
    if (member !== undefined) members.push(`${quote(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}
