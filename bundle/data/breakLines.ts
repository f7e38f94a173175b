import { malformed, skipString, skipText, skipValue } from './skipJson.ts';

const [lineFeed, comma, openObject, closeObject, letterD] = [0x0a, 0x2c, 0x7b, 0x7d, 0x64];

/**
 * Brings data.json that is canonical JSON on one line, as `opa build` writes it, into line form: line feeds are put in
 * where `compile` has them, and nothing else changes but one at the end, which goes. In shared memory. Throws
 * BundleError `data-malformed`.
 */
export function breakLines(document: Buffer): Buffer {
  const data = document.at(-1) === lineFeed ? document.subarray(0, -1) : document;
  const breaks: number[] = [];
  let at = 0;
  const part = (opening: string) => {
    at = skipValue(data, skipText(data, at, opening));
  };
  const key = () => {
    at = skipText(data, Math.abs(skipString(data, at)), ':');
  };
  /** The entries of an object, each on a line of its own. */
  const entries = () => {
    at = skipText(data, at, '{');
    if (data[at] === closeObject) return skipText(data, at, '}');
    for (;;) {
      breaks.push(at);
      key();
      at = skipValue(data, at);
      if (data[at] !== comma) break;
      at += 1;
    }
    breaks.push(at);
    return skipText(data, at, '}');
  };

  part('{"apis":');
  breaks.push(at + 1);
  part(',"credentials":');
  breaks.push(at + 1);
  /** Objects of entries by their names. */
  const named = () => {
    if (data[at] !== closeObject)
      for (;;) {
        key();
        if (data[at] !== openObject) malformed(at, 'expected "{"');
        at = entries();
        if (data[at] !== comma) break;
        at += 1;
      }
  };
  if (data[at + 2] === letterD) {
    at = skipText(data, at, ',"documents":{');
    named();
    at = skipText(data, at, '}');
    breaks.push(at + 1);
  }
  at = skipText(data, at, ',"grants":{');
  named();
  part('},"networks":');
  at = skipText(data, at, ',"principals":');
  entries();

  const broken = Buffer.from(new SharedArrayBuffer(data.length + breaks.length));
  let [from, to] = [0, 0];
  for (const position of breaks) {
    to += data.copy(broken, to, from, position);
    broken[to] = lineFeed;
    to += 1;
    from = position;
  }
  data.copy(broken, to, from);
  return broken;
}
