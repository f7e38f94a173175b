import { createHash } from 'node:crypto';
import { operationNameForm } from './operationForm.ts';

/** An operation as a document has it; `id` is its operationId, null where it has none. */
export type Unnamed = { id: string | null; method: string; template: string };

const longest = 128;
const digest = (text: string, length = 8) => createHash('sha256').update(text).digest('hex').slice(0, length);

/** An operationId in the form of a name: `repos/list for owner` → `repos-list-for-owner`. Empty when nothing is left. */
function nameOfId(id: string): string {
  if (operationNameForm.test(id)) return id;
  const plain = id
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^A-Za-z0-9._]+/g, '-')
    .replace(/^[-._]+|[-._]+$/g, '');
  if (plain === '') return '';
  return shortened(/^[A-Za-z]/.test(plain) ? plain : `op-${plain}`);
}

/** `GET /repos/{owner}/issues` → `get-repos-by-owner-issues`. */
function nameOfPath({ method, template }: Unnamed): string {
  const words = template
    .replace(/\{([^{}]*)\}/g, '/by-$1/')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return shortened(words === '' ? `${method.toLowerCase()}-root` : `${method.toLowerCase()}-${words}`);
}

const shortened = (name: string) =>
  name.length <= longest ? name : `${name.slice(0, longest - 9)}-${digest(name)}`;

/** The names that an operation may have by itself: of its operationId, and as if it had none; with a digest the shortest. */
const ownNames = (operation: Unnamed): string[] =>
  [nameOfId(operation.id ?? ''), nameOfPath(operation), withDigest(operation, 8)].filter(
    (name) => name !== '',
  );

const withDigest = (operation: Unnamed, length: number): string =>
  `${nameOfPath(operation).slice(0, longest - 1 - length)}-${digest(`${operation.method} ${operation.template}`, length)}`;

/**
 * Names operations, in their order. An operationId that is a name stays as it is, unless another operation has that
 * name, or had it before it got an operationId of its own. Any other name comes from the operation alone, and two that
 * would have the same one both get another, so that a name never passes to a second operation because a document grew:
 * what was granted by it fails the check instead.
 */
export function nameOperations(operations: readonly Unnamed[]): string[] {
  const names: (string | undefined)[] = operations.map(() => undefined);
  const taken = new Set<string>();
  const owners = new Map<string, Set<number>>();
  for (const [index, operation] of operations.entries())
    for (const name of ownNames(operation)) owners.set(name, (owners.get(name) ?? new Set()).add(index));
  /** Whether a name is another operation's, or could once have been made up for it. */
  const isOthers = (name: string, index: number) => {
    const of = owners.get(name);
    return of !== undefined && (of.size > 1 || !of.has(index));
  };
  /** Gives names to those that have none yet, where nobody else has or would get the same one. */
  const give = (nameOf: (operation: Unnamed) => string | null) => {
    const wished = operations.map((operation, index) => {
      const name = names[index] === undefined ? nameOf(operation) : null;
      return name === null || isOthers(name, index) ? null : name;
    });
    const counts = counted(wished.filter((name) => name !== null));
    for (const [index, name] of wished.entries())
      if (name !== null && counts.get(name) === 1 && !taken.has(name)) names[index] = name;
    for (const name of names) if (name !== undefined) taken.add(name);
  };
  give(({ id }) => (id !== null && operationNameForm.test(id) ? id : null));
  give((operation) => nameOfId(operation.id ?? '') || nameOfPath(operation));
  give(nameOfPath);
  for (let length = 8; names.includes(undefined) && length <= 64; length *= 2)
    give((operation) => withDigest(operation, length));
  return names.map((name) => name ?? '');
}

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
