// How people, groups and services are called, and when two names are one. Everything that compares names folds them
// here: the directory, grants, tokens, questions and the keys of data.json.
import { z } from 'zod';

/** A string of a certain form; `what` says which, in the words of an error message. */
export const matching = (what: string, pattern: RegExp) =>
  z.string({ error: `must be ${what}` }).regex(pattern, { error: `must be ${what}` });

// What providers issue: apostrophes, brackets, "#EXT#", umlauts, spaces within. Never what ends a line, steers a
// terminal or turns the text around it (a review must show the name that is granted).
const within = String.raw`(?!\s)(?:[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff\ufffe\uffff]){1,254}(?<!\s)`;
const serviceForm = '[A-Za-z0-9][A-Za-z0-9._-]{0,127}';
const rule = '1 to 254 characters, no control characters, no spaces at its ends';

const personOrGroupForm = new RegExp(`^${within}$`, 'u');
export const login = matching(`a login (${rule})`, personOrGroupForm);
export const groupName = matching(`the name of a group (${rule})`, personOrGroupForm);
export const serviceName = matching('a name like "invoicer"', new RegExp(`^${serviceForm}$`));

/** `user:LOGIN`, `group:NAME` or `service:NAME`. */
export const principal = matching(
  '"user:LOGIN", "group:NAME" or "service:NAME"',
  new RegExp(`^(?:(?:user|group):${within}|service:${serviceForm})$`, 'u'),
);
export const owner = matching('"user:LOGIN" or "group:NAME"', new RegExp(`^(?:user|group):${within}$`, 'u'));

/** Whether a token may name a person or a group so. */
export const isName = (text: string): boolean => personOrGroupForm.test(text);

const plain = /^[\x20-\x7e]*$/;

/**
 * What a name is compared by: Unicode's simple case folding, composed (NFC). Simple, not full, and by no upper case on
 * the way: so `ı` is not taken for `i`, nor `ß` for `ss`, who are other people at every provider. A fold folds to itself.
 */
export function fold(name: string): string {
  if (plain.test(name)) return name.toLowerCase();
  let folded = '';
  for (const character of name.normalize('NFD')) folded += foldCharacter(character);
  return folded.normalize('NFC');
}

/** Lower case of the upper case is the simple fold of every character but the dotless i; a test compares them all. */
function foldCharacter(character: string): string {
  if (character === 'ı') return character;
  const upper = character.toUpperCase();
  const lower = (isOne(upper) ? upper : character).toLowerCase();
  return isOne(lower) ? lower : character;
}

const isOne = (text: string) => [...text].length === 1;

/** Folded principal → how the directory spells it. */
export type Spelling = ReadonlyMap<string, string>;

/** Everybody that a directory knows. */
export function spellingOf(
  people: Iterable<{ login: string }>,
  groups: Iterable<{ name: string }>,
  services: Iterable<{ name: string }>,
): Spelling {
  const spelling = new Map<string, string>();
  const add = (principal: string) => spelling.set(fold(principal), principal);
  for (const { login } of people) add(`user:${login}`);
  for (const { name } of groups) add(`group:${name}`);
  for (const { name } of services) add(`service:${name}`);
  return spelling;
}

/** A principal as the directory spells it; folded where no directory knows it, so that it has one spelling all the same. */
export function spell(spelling: Spelling, principal: string): string {
  const folded = fold(principal);
  return spelling.get(folded) ?? folded;
}

/** Controls that a review recommends where it is asked to. */
export const recommendation = z.enum([
  'known-networks',
  'one-off',
  'rate-limit',
  'second-factor',
  'smaller-group',
]);

/** What the product's own detectors find; also how exemptions name it. */
export const detector = z.enum([
  'expired',
  'expiring',
  'never-used',
  'dormant',
  'orphan-disabled',
  'orphan-missing',
  'ownerless',
  'over-privileged',
  'redundant',
  'high-access',
  'mover',
  'separation-of-duties',
  'growth',
  ...recommendation.options,
]);

const ownName = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
/** A detector of a repository's own, `policies/review/NAME.rego` with hyphens for the underscores. */
export const ownDetector = matching('the name of a detector like "dormant"', ownName)
  .max(40, 'must have at most 40 characters')
  .brand<'own-detector'>();
/** Whatever a review can find. */
export const detectorName = z.union([detector, ownDetector]);

export type Detector = z.output<typeof detector>;
export type Recommendation = z.output<typeof recommendation>;
export type OwnDetectorName = z.output<typeof ownDetector>;
export type DetectorName = Detector | OwnDetectorName;
