/** People and groups of one provider, as their file has them. */
export type DirectoryText = {
  provider: string;
  synced: string;
  complete: boolean;
  people: readonly {
    login: string;
    id: string;
    status: string;
    manager?: string | undefined;
    last_sign_in?: string | undefined;
  }[];
  groups: readonly { name: string; id?: string | undefined; members: readonly string[] }[];
};

export const head = `# yaml-language-server: $schema=../schema/directory.json
# Written by \`grantgate sync\`: the next sync overwrites what is changed here by hand.
`;

/** JSON's strings are YAML's in double quotes, but for what YAML does not hold bare or takes for the end of a line. */
const quoted = (text: string) =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
const plain = /^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*$/;
const reserved = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const name = (text: string) => (plain.test(text) && !reserved.test(text) ? text : quoted(text));

const linesInPiece = 4096;

function* linesOf({ provider, synced, complete, people, groups }: DirectoryText): Generator<string> {
  yield `provider: ${provider}`;
  yield `synced: ${synced}`;
  yield `complete: ${complete}`;
  yield people.length === 0 ? 'people: []' : 'people:';
  for (const { login, id, status, manager, last_sign_in: lastSignIn } of people) {
    yield `  - login: ${quoted(login)}`;
    yield `    id: ${quoted(id)}`;
    yield `    status: ${status}`;
    if (manager !== undefined) yield `    manager: ${quoted(manager)}`;
    if (lastSignIn !== undefined) yield `    last_sign_in: ${lastSignIn}`;
  }
  yield groups.length === 0 ? 'groups: []' : 'groups:';
  for (const group of groups) {
    yield `  - name: ${name(group.name)}`;
    if (group.id !== undefined) yield `    id: ${quoted(group.id)}`;
    yield group.members.length === 0 ? '    members: []' : '    members:';
    for (const member of group.members) yield `      - ${quoted(member)}`;
  }
}

/** {@link renderDirectory} in pieces: a million lines one by one take several times the memory of the text. */
export function* directoryPieces(directory: DirectoryText): Generator<string> {
  yield head;
  let lines: string[] = [];
  for (const line of linesOf(directory)) {
    lines.push(line);
    if (lines.length < linesInPiece) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

/** grants/directory/PROVIDER.yaml of a directory, in the order it has: the same directory gives the same bytes. */
export function renderDirectory(directory: DirectoryText): Buffer {
  // Written twice rather than kept in pieces, which take as much memory again.
  let size = 0;
  for (const piece of directoryPieces(directory)) size += Buffer.byteLength(piece);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const piece of directoryPieces(directory)) at += bytes.write(piece, at);
  return bytes;
}
