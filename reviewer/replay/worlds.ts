import type { RecordedRequest } from '../evidence/requests.ts';
import type { Networks, Places } from './placesOf.ts';

/** One way in which what a record leaves open may have been: what is asked of base, and of head. */
export type World = { mfa: boolean; base: readonly string[]; head: readonly string[] };

/** Beyond these not every combination is tried. */
const mostOpen = 4;
/** The open fact of the second factor, beside those of networks. */
const mfaKey = 'mfa';

type Sides<T> = { base: T; head: T };

/**
 * Every way in which a request may have been made, as far as its record leaves it open: with a second factor or without,
 * from this network or not. A network that both revisions declare alike is one question, else two. Of many open
 * questions all, none, and each with and against the others are tried.
 */
export function worldsOf(
  { mfa }: Pick<RecordedRequest, 'mfa'>,
  places: Sides<Places>,
  networks: Sides<Networks>,
): World[] {
  const keyOf = (side: keyof Sides<unknown>, name: string) =>
    `network ${name} ${[...(networks[side].get(name) ?? [])].sort().join()}`;
  const open = new Set<string>(mfa === null ? [mfaKey] : []);
  for (const side of ['base', 'head'] as const)
    for (const name of places[side].unknown) open.add(keyOf(side, name));
  const inside = (side: keyof Sides<unknown>, holds: ReadonlySet<string>) =>
    places[side].unknown.length === 0
      ? places[side].in
      : [...places[side].in, ...places[side].unknown.filter((name) => holds.has(keyOf(side, name)))].sort();
  return combinations([...open]).map((holds) => ({
    mfa: mfa ?? holds.has(mfaKey),
    base: inside('base', holds),
    head: inside('head', holds),
  }));
}

function combinations(open: readonly string[]): ReadonlySet<string>[] {
  if (open.length > mostOpen) {
    const each = open.flatMap((one) => [new Set([one]), new Set(open.filter((other) => other !== one))]);
    return [new Set(), new Set(open), ...each];
  }
  return Array.from(
    { length: 2 ** open.length },
    (_, bits) => new Set(open.filter((_one, place) => (bits >> place) & 1)),
  );
}
