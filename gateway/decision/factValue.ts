import type { FactEntry } from '../revision/snapshot.ts';
import type { FactScalar, FactValue } from './decisionInput.ts';

/** Something is there, and is not what the API says the fact is. */
export const malformed = Symbol('malformed');
/** Null: it is not there, as is what is empty. */
export type ReadFact = FactValue | null | typeof malformed;

/** Of a list: so many items, and characters in all of them. */
const most = { items: 64, characters: 4096 };
/** As policies take them: to more digits, two numbers could be one. */
const digits = /^(?:0|-?[1-9][0-9]{0,14})$/;

type Form = Pick<FactEntry, 'type' | 'values' | 'max_length'>;

/** A fact of a text, as paths and headers have it. */
export function textFact(form: Form, text: string | null): ReadFact {
  if (text === null || text === '') return null;
  switch (form.type) {
    case 'number':
      return digits.test(text) ? Number(text) : malformed;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : malformed;
    default:
      return factOf(form, text);
  }
}

/**
 * A fact of a header's value. A comma parts several values (RFC 9110, 5.3): whoever joined them, nobody knows which one
 * is meant. What is not ASCII reads in as many ways as there are character sets.
 */
export const headerFact = (form: Form, value: string): ReadFact =>
  /^[\x20-\x2b\x2d-\x7e]*$/.test(value) ? textFact(form, value) : malformed;

/** A fact of a JSON value, as claims and properties have it. A scalar is a list of one, as in `aud`. */
export function factOf(form: Form, value: unknown): ReadFact {
  if (value === undefined || value === null || value === '') return null;
  if (form.type !== 'list') {
    const kind = form.type === 'number' || form.type === 'boolean' ? form.type : 'string';
    return typeof value === kind ? scalarOf(form, value) : malformed;
  }
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.length > most.items) return malformed;
  const found: FactScalar[] = [];
  let characters = 0;
  for (const item of items) {
    const one = scalarOf(form, item);
    if (one === malformed || one === '') return malformed;
    if (typeof one === 'string') characters += one.length;
    found.push(one);
  }
  return characters > most.characters ? malformed : found;
}

function scalarOf({ values, max_length = 256 }: Form, value: unknown): FactScalar | typeof malformed {
  switch (typeof value) {
    case 'boolean':
      return values === undefined ? value : malformed;
    case 'number':
      // Minus zero is a number of its own to some, and none to JSON.
      return digits.test(String(value)) && values === undefined ? value + 0 : malformed;
    case 'string': {
      const readable = value.length <= max_length && value.isWellFormed() && !/\p{Cc}/u.test(value);
      return readable && values?.includes(value) !== false ? value : malformed;
    }
    default:
      return malformed;
  }
}
