import { isOfRates, isOfValues } from '../../bundle/access/compareConditions.ts';
import { anonymous } from '../../bundle/data/anonymous.ts';
import type { Change } from '../../bundle/diff/diffData.ts';
import type { DocumentChange, EntryChange } from '../../bundle/diff/diffDocuments.ts';
import type { TreeDiff } from '../../bundle/diff/diffTrees.ts';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { counted, listed } from '../../bundle/format/counted.ts';
import { conditionsText } from './conditionsText.ts';
import { sizeText } from './sizeText.ts';

// What the texts of a difference have in common: who, by what, and what else changed, each as a few words.

const verbs: Readonly<Record<Change['kind'], string>> = {
  loses: 'lose',
  gains: 'gain',
  tightened: 'keep, under stricter conditions,',
  shortened: 'keep, for a shorter time,',
  altered: 'keep, on other terms,',
  loosened: 'keep, under looser conditions,',
  extended: 'keep, for a longer time,',
};

/** Where only values of path parameters come or go: to what they name, access is gained or lost. */
const ofValues: Partial<typeof verbs> = {
  tightened: 'lose, for some values,',
  loosened: 'gain, for more values,',
};

const isValues = ({ kind, conditions }: Change): boolean =>
  ofValues[kind] !== undefined && isOfValues(conditions.before, conditions.after);

/** Where nothing but rates changed. */
const ofRates: Partial<typeof verbs> = { tightened: 'keep, less often,', loosened: 'keep, more often,' };

const isRates = ({ kind, conditions }: Change): boolean =>
  ofRates[kind] !== undefined && isOfRates(conditions.before, conditions.after);

const verbIn = (change: Change): string =>
  (isValues(change) ? ofValues[change.kind] : isRates(change) ? ofRates[change.kind] : undefined) ??
  verbs[change.kind];

const singular = (verb: string) => verb.replace(/^\w+/, (word) => `${word}s`);

/** "lose", or "loses" after one name. */
export const verbOf = (change: Change): string => {
  const { group, members, who } = change;
  const verb = verbIn(change);
  return who.length === 1 || (group !== null && who.length === members) ? singular(verb) : verb;
};

/** "3 people", "1 person and 2 services". */
function peopleAndServices(who: Iterable<string>): string {
  let [people, services] = [0, 0];
  for (const name of who)
    if (name.startsWith('user:')) people += 1;
    else services += 1;
  const parts = [
    ...(people > 0 ? [counted(people, 'person', 'people')] : []),
    ...(services > 0 ? [counted(services, 'service')] : []),
  ];
  return parts.length === 0 ? 'nobody' : parts.join(' and ');
}

/** Whom a change befalls: a group when it is all of it, else names, or of many in a group how many. */
export function whoOf({ group, members, who }: Change): string {
  if (group === null)
    return listed(
      who.map((name) => (name === anonymous ? 'anybody, without a credential,' : name)),
      3,
    );
  if (who.length === members) return `${group} (${peopleAndServices(who)})`;
  return who.length > 3 ? `${who.length} of ${members} in ${group}` : `${listed(who)} in ${group}`;
}

/** The conditions that changed, or an empty text. */
export function conditionsChanged({ kind, conditions: { before, after } }: Change): string {
  if (kind === 'loses' || kind === 'gains') return '';
  return conditionsText(before, after);
}

/** The grants that a change comes by: those that gave what is lost, else those that give now. */
export function grantsOf({ kind, before, after }: Change): string[] {
  const ways = kind === 'loses' ? before : after;
  return [...new Set(ways.map(({ grant }) => grant))];
}

/** Who gains, loses or keeps what, and by which grants, on one line. */
export const changeLine = (change: Change): string =>
  `${whoOf(change)} ${verbOf(change)} ${change.operations.join(', ')} of ${change.api} (${grantsOf(change).join(', ')})`;

/**
 * One sentence on all of it. What else decides may have changed beside the grants, and whom tokens bring no directory
 * knows: of them nothing is claimed.
 */
export function summaryOf(diff: TreeDiff): string {
  const { changes } = diff;
  const all = (...kinds: Change['kind'][]) => changes.filter((change) => kinds.includes(kindIn(change)));
  if (changes.length === 0) return `${nobodyBy(diff)} gains or loses access.`;
  const others = all('tightened', 'shortened', 'altered', 'loosened', 'extended');
  const clauses = [
    [all('loses'), 'lose', 'access'],
    [all('gains'), 'gain', 'access'],
    [others, 'keep', 'access on other terms'],
  ] as const;
  const said = clauses.flatMap(([some, verb, what]) => {
    const who = new Set(some.flatMap((change) => change.who));
    // Of what is public everybody can do less or more: what that is must be said, or it reads like all there is.
    const open = some.filter((change) => change.who.includes(anonymous));
    const isOpen = who.delete(anonymous);
    return [
      ...(isOpen ? [`anybody, without a credential, ${singular(verb)} ${listed(open.map(whatOf), 3)}`] : []),
      ...(who.size > 0
        ? [`${peopleAndServices(who)} ${who.size === 1 ? singular(verb) : verb} ${what}`]
        : []),
    ];
  });
  return `${said.join('; ')}.`;
}

const whatOf = ({ operations, api }: Change) => `${listed(operations, 3)} of ${api}`;

/** Whether rules of one's own decide by what changed. */
const isDecidedOtherwise = ({ ownPolicies, policiesChanged, changes, grants, directoryChanged }: TreeDiff) =>
  ownPolicies === true && !policiesChanged && (directoryChanged || changes.length > 0 || grants.length > 0);

function nobodyBy(diff: TreeDiff): string {
  const { policiesChanged, documents, heads, grants, directoryChanged } = diff;
  const others =
    policiesChanged ||
    isDecidedOtherwise(diff) ||
    [documents, ...Object.values(heads)].some(({ length }) => length > 0);
  if (grants.length > 0 || directoryChanged)
    return others ? 'By grants and the directory nobody' : 'By the directory nobody';
  return others ? 'By grants nobody' : 'Nobody';
}

/** More values are more access, fewer are less. */
const kindIn = (change: Change): Change['kind'] =>
  !isValues(change) ? change.kind : change.kind === 'loosened' ? 'gains' : 'loses';

/** What changed beside access: each a line of plain text. */
export function notesOf(diff: TreeDiff): string[] {
  const { policiesChanged, heads, documents, unknown } = diff;
  const blocks = (value: readonly string[] | null) => (value === null ? 'nothing' : value.join(', '));
  const pages = (value: object | null) => (value === null ? 'what it says itself' : canonicalJson(value));
  const ways = (value: readonly string[] | null) => (value === null ? 'any way' : value.join(', '));
  return [
    ...(policiesChanged
      ? ['the rules in policies/authz changed: the same grants may allow something else than compared here']
      : []),
    ...(isDecidedOtherwise(diff)
      ? [
          'rules of your own (policies/authz) decide here: they may look at more than the grants and groups compared here',
        ]
      : []),
    ...(documents.length > 0
      ? ['data documents changed: by them the same grants may allow something else than compared here']
      : []),
    ...documents.flatMap(documentNotes),
    ...unknown.map(
      ({ principal, grants: of }) =>
        `${principal.startsWith('group:') ? `no directory has anybody in ${principal}` : `no directory knows ${principal}`}: ${listed(of)} ${of.length === 1 ? 'gives' : 'give'} nobody anything, unless groups come with tokens`,
    ),
    ...heads.networks.map(
      ({ network, before, after, grants }) =>
        `the network ${network} was ${blocks(before)}, is ${blocks(after)}; ${grants.length === 0 ? 'no live grant asks for it' : `asked for by ${listed(grants, 6)}`}`,
    ),
    ...heads.operations.map(
      ({ api, operation, before, after }) => `${operation} of ${api} was ${before}, is ${after}`,
    ),
    ...heads.authentication.map(
      ({ api, before, after }) => `callers of ${api} sign in by ${ways(after)}; before, by ${ways(before)}`,
    ),
    ...heads.cors.map(
      ({ api, before, after }) => `pages that may call ${api}: ${pages(after)}; before, ${pages(before)}`,
    ),
    ...heads.facts.map(({ api, fact, before, after }) =>
      before === null
        ? `policies are told the fact ${fact} of ${api}: ${canonicalJson(after)}`
        : `the fact ${fact} of ${api} was ${canonicalJson(before)}, ${after === null ? 'is gone' : `is ${canonicalJson(after)}`}`,
    ),
    ...heads.settings.map(
      ({ api, setting, before, after }) =>
        `${settingNames[setting] ?? `${setting} of`} ${api} was ${settingText(setting, before)}, is ${settingText(setting, after)}`,
    ),
    ...heads.credentials.map((service) => `${service} is known by other credentials`),
    ...withoutEffect(diff),
  ];
}

type Setting = TreeDiff['heads']['settings'][number]['setting'];

const settingNames: Partial<Record<Setting, string>> = {
  body: 'the largest body of a request to',
  rate: 'the rate of each caller of',
};
const unset: Partial<Record<Setting, string>> = { body: 'what gateway.yaml says', rate: 'any' };

/** As people write it. */
function settingText(setting: Setting, value: unknown): string {
  if (value === null) return unset[setting] ?? 'not set';
  if (setting === 'body' && typeof value === 'number') return sizeText(value);
  return typeof value === 'string' ? value : short(value);
}

/** Grants that came, went or changed, and in none of the rows; those of nobody are told besides. */
function withoutEffect({ changes, grants, unknown }: TreeDiff): string[] {
  const told = new Set([
    ...changes.flatMap(({ before, after }) => [...before, ...after].map(({ grant }) => grant)),
    ...unknown.flatMap(({ grants: of }) => of),
  ]);
  const others = grants.filter(({ grant }) => !told.has(grant));
  if (others.length === 0) return [];
  const how = ({ change, what }: (typeof others)[number]) =>
    what.find((part) => part === 'suspended' || part === 'resumed') ?? change;
  return [
    `by the directory, nobody gains or loses by ${listed(
      others.map((one) => `${one.grant} (${how(one)})`),
      6,
    )}`,
  ];
}

const mostEntries = 5;

/** What became of the entries of a data document; a policy may decide otherwise by them. */
function documentNotes({ document, change, added, removed, changed, entries }: DocumentChange): string[] {
  const file = `data/${document}.yaml`;
  if (change !== 'changed')
    return [
      `${file} ${change === 'added' ? `is new, with ${counted(added, 'entry', 'entries')}` : 'is gone'}`,
    ];
  const all = added + removed + changed;
  const shown = entries.slice(0, all > mostEntries + 1 ? mostEntries : all);
  const kinds = [
    [changed, 'changed'],
    [added, 'new'],
    [removed, 'gone'],
  ] as const;
  const what = kinds.flatMap(([count, kind]) => (count === 0 ? [] : [`${count} ${kind}`])).join(', ');
  return [
    ...shown.map(({ key, ...sides }) => `${file}: ${key} ${entryChange(sides)}`),
    ...(shown.length < all ? [`${file}: ${counted(all, 'entry', 'entries')} in all: ${what}`] : []),
  ];
}

function entryChange(sides: Omit<EntryChange, 'key'>): string {
  const [before, after] = [short(sides.before), short(sides.after)];
  if (!('before' in sides)) return `is new: ${after}`;
  return 'after' in sides ? `was ${before}, is ${after}` : `is gone, was ${before}`;
}

const short = (value: unknown): string => {
  const text = value === undefined ? '' : canonicalJson(value);
  return text.length > 120 ? `${text.slice(0, 119).toWellFormed()}…` : text;
};
