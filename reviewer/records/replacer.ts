import { fold } from '../../bundle/grants/names.ts';

/** A string of JSON, escapes and all; in valid JSON nothing else has quotes. */
const strings = /"(?:[^"\\]|\\.)*"/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII may fold to something that is
const plain = /^[\x00-\x5b\x5d-\x7f]*$/;

/** Replaces a person in lines of JSON. `hits` are lines that changed, `mentions` those that still hold the login in other text. */
export type Replacer = {
  line(text: string): string;
  readonly hits: number;
  readonly mentions: number;
};

/**
 * Replaces each string that is the person (`user:LOGIN`, in any spelling that folds to it) and leaves every other byte as
 * it is. Only the whole name counts: a login may be a word that stands for something else elsewhere.
 */
export function createReplacer(person: string, pseudonym: string): Replacer {
  const folded = fold(person);
  const login = folded.slice('user:'.length);
  const quoted = JSON.stringify(pseudonym);
  const counts = { hits: 0, mentions: 0 };
  const isPerson = (token: string): boolean => {
    try {
      const value: unknown = JSON.parse(token);
      return typeof value === 'string' && fold(value) === folded;
    } catch {
      return false;
    }
  };
  return {
    line(text) {
      // Without escapes and beyond ASCII, lower case is all that folding does: most lines end here.
      const isPlain = plain.test(text);
      if (isPlain && !text.toLowerCase().includes(login)) return text;
      const replaced = text.replace(strings, (token) => (isPerson(token) ? quoted : token));
      if (replaced !== text) counts.hits += 1;
      if (holds(replaced, login, isPlain)) counts.mentions += 1;
      return replaced;
    },
    get hits() {
      return counts.hits;
    },
    get mentions() {
      return counts.mentions;
    },
  };
}

function holds(text: string, login: string, isPlain: boolean): boolean {
  if (isPlain) return text.toLowerCase().includes(login);
  return (text.match(strings) ?? []).some((token) => {
    try {
      return fold(String(JSON.parse(token))).includes(login);
    } catch {
      return false;
    }
  });
}
