import type { Organisation } from '../../../bundle/grants/organisation.ts';

const kinds = ['person', 'service', 'group', 'api', 'operation', 'grant'] as const;
export type Kind = (typeof kinds)[number];
/** `name` as it is asked for, `of` the API of an operation. */
export type Hit = { kind: Kind; name: string; of?: string };
export type Hits = { hits: readonly Hit[]; total: number };

/** What people compare names by: case and form do not count. */
const folded = (text: string) => text.normalize('NFC').toLowerCase();

/** Names that hold a text, of each kind at most `most`, those that begin with it first. */
export function searchNames(
  { people, services, groups, apis, grants }: Organisation,
  text: string,
  most: number,
): ReadonlyMap<Kind, Hits> {
  const sought = folded(text.trim());
  const found = new Map<Kind, Hits>();
  const add = (kind: Kind, all: Iterable<Omit<Hit, 'kind'>>) => {
    const [begins, holds]: [Hit[], Hit[]] = [[], []];
    let total = 0;
    for (const one of all) {
      const at = folded(one.name).indexOf(sought);
      if (at < 0) continue;
      total += 1;
      const list = at === 0 ? begins : holds;
      if (list.length < most) list.push({ kind, ...one });
    }
    if (total > 0) found.set(kind, { hits: [...begins, ...holds].slice(0, most), total });
  };
  const named = (names: Iterable<string>) => Iterator.from(names).map((name) => ({ name }));
  add('person', named(people.keys()));
  add('service', named(services.keys()));
  add('group', named(groups.keys()));
  add('api', named(apis.keys()));
  add(
    'operation',
    Iterator.from(apis.values()).flatMap(({ name: of, operations }) =>
      Iterator.from(operations.keys()).map((name) => ({ name, of })),
    ),
  );
  add(
    'grant',
    Iterator.from(grants).map(({ id }) => ({ name: id })),
  );
  return found;
}
