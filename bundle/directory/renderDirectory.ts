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
  groups: readonly { name: string; members: readonly string[] }[];
};

const head = `# yaml-language-server: $schema=../schema/directory.json
# Written by \`grantgate sync\`: the next sync overwrites what is changed here by hand.
`;

/** JSON's strings are YAML's in double quotes, but for line ends that only YAML knows. */
const quoted = (text: string) =>
  JSON.stringify(text).replace(
    /[\u0080-\u009f\u2028\u2029\ufeff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
const plain = /^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*$/;
const reserved = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const name = (text: string) => (plain.test(text) && !reserved.test(text) ? text : quoted(text));

/** grants/directory/PROVIDER.yaml of a directory, in the order it has: the same directory gives the same text. */
export function renderDirectory({ provider, synced, complete, people, groups }: DirectoryText): string {
  const lines = [`provider: ${provider}`, `synced: ${synced}`, `complete: ${complete}`];
  lines.push(people.length === 0 ? 'people: []' : 'people:');
  for (const { login, id, status, manager, last_sign_in: lastSignIn } of people) {
    lines.push(`  - login: ${quoted(login)}`, `    id: ${quoted(id)}`, `    status: ${status}`);
    if (manager !== undefined) lines.push(`    manager: ${quoted(manager)}`);
    if (lastSignIn !== undefined) lines.push(`    last_sign_in: ${lastSignIn}`);
  }
  lines.push(groups.length === 0 ? 'groups: []' : 'groups:');
  for (const group of groups) {
    lines.push(`  - name: ${name(group.name)}`);
    lines.push(group.members.length === 0 ? '    members: []' : '    members:');
    for (const member of group.members) lines.push(`      - ${quoted(member)}`);
  }
  return `${head}${lines.join('\n')}\n`;
}
