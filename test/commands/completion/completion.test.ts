import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { bashCompletion } from '../../../commands/completion/bashCompletion.ts';
import { completionTable } from '../../../commands/completion/completionTable.ts';
import { fishCompletion } from '../../../commands/completion/fishCompletion.ts';
import { zshCompletion } from '../../../commands/completion/zshCompletion.ts';
import { createProgram } from '../../../commands/program.ts';
import { debianProgram, type Program } from '../../_debian.ts';
import { suite } from '../../_suite.ts';

const test = suite('completion');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-completion-'));
const table = completionTable(createProgram());
test.before(() => {
  for (const name of ['grants', 'two words']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'gateway.yaml'), '');
  writeFileSync(join(folder, 'bash'), bashCompletion(table));
  writeFileSync(join(folder, 'zsh'), zshCompletion(table));
  writeFileSync(join(folder, 'fish'), fishCompletion(table));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const files = ['gateway.yaml', 'bash', 'zsh', 'fish', 'grants', 'two words'].sort();
const folders = ['grants', 'two words'];
const commands = table[0]?.commands.map(({ name }) => name).sort() ?? [];
const optionsOf = (path: string) =>
  table
    .find((one) => one.path === path)
    ?.options.flatMap(({ names }) => names)
    .sort();

/** What bash offers for a line that ends with the word to complete; words are split as readline does. */
function bash(line: string): string[] {
  const words = line.split(/\s+|(?<=[:=])|(?=[:=])/);
  const script = `source ./bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
    compopt() { :; }; set -u; _grantgate; [ \${#COMPREPLY[@]} = 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync('bash', ['--norc', '-c', script], { cwd: folder, encoding: 'utf8' });
  return printed
    .split('\n')
    .filter((word) => word !== '')
    .sort();
}

const cases: [line: string, offered: string[]][] = [
  ['grantgate ', commands],
  ['grantgate in', ['init', 'inventory']],
  ['grantgate key ', ['new']],
  ['grantgate records p', ['prune']],
  ['grantgate key new --', optionsOf('key new')?.filter((name) => name.startsWith('--')) ?? []],
  ['grantgate inventory --by ', ['api', 'grant', 'group', 'person']],
  ['grantgate inventory --by p', ['person']],
  ['grantgate inventory --json --by p', ['person']],
  ['grantgate inventory --decisions gateway.yaml --by p', ['person']],
  ['grantgate completion ', ['bash', 'fish', 'zsh']],
  ['grantgate serve --config ', files],
  ['grantgate serve --config gat', ['gateway.yaml']],
  ['grantgate check ', folders],
  ['grantgate key new --root ', folders],
  ['grantgate review --decisions gateway.yaml ', files],
  // Text that nobody can guess, and no files for it.
  ['grantgate explain --subject ', []],
];
for (const [line, offered] of cases) test(`bash: ${line}`, () => assert.deepEqual(bash(line), offered));

test('bash: an option’s value behind = or with a colon in it', () => {
  assert.deepEqual(bash('grantgate inventory --by=p'), ['person']);
  assert.deepEqual(bash('grantgate inventory --by='), ['api', 'grant', 'group', 'person']);
  assert.deepEqual(bash('grantgate push oci://registry:5000/access:main gat'), ['gateway.yaml']);
  assert.deepEqual(bash('grantgate explain --subject user:ann --mf'), ['--mfa']);
  assert.deepEqual(bash('grantgate nothing --'), []);
});

const debian = (name: string, packages: string[]) => debianProgram(name, packages, ['-c', 'true']);
const run = ({ path, env }: Program, args: string[]) =>
  execFileSync(path, args, { cwd: folder, encoding: 'utf8', timeout: 60_000, env: { ...env, HOME: folder } });

test('fish offers the same', async () => {
  const fish = await debian('fish', ['fish', 'fish-common', 'libpcre2-32-0']);
  if (fish === null) return console.log('fish cannot be had here');
  // Where it was unpacked, if it is not installed.
  const functions = join(fish.path, '../../share/fish/functions');
  // One shell answers all: each line's answers, then a mark.
  const asked = cases.map(([line]) => `complete -C '${line}'; echo =`).join('; ');
  const answers = run(fish, [
    '--no-config',
    '-c',
    `set -p fish_function_path ${functions}; source fish; ${asked}`,
  ]).split('=\n');
  for (const [index, [line, offered]] of cases.entries()) {
    const words = (answers[index] ?? '').split('\n').filter((one) => one !== '');
    const names = words.map((one) => (one.split('\t')[0] ?? '').replace(/\/$/, '').replaceAll('\\', ''));
    assert.deepEqual([...new Set(names)].sort(), offered, line);
  }
});

// Zsh completes in its line editor only, hence a terminal; what it has typed then is read from it.
test('zsh completes by it', async () => {
  const zsh = await debian('zsh', ['zsh', 'zsh-common']);
  if (zsh === null) return console.log('zsh cannot be had here');
  const unpacked = join(zsh.path, '../../usr');
  const typed: [line: string, completed: string][] = [
    ['grantgate inv', 'inventory '],
    ['grantgate key ', 'new '],
    ['grantgate inventory --by=p', '=person '],
    ['grantgate check tw', 'two\\\\ words/'],
    ['grantgate serve --config gat', 'gateway.yaml '],
    ['grantgate review --decisions zsh gat', 'gateway.yaml '],
  ];
  const script = `
    places=(${unpacked}/lib/*/zsh/*(N)); module_path+=($places)
    zmodload zsh/zpty
    zpty z 'env TERM=dumb ${zsh.path} -f -i'
    zpty -w z "module_path+=($places); fpath+=(${unpacked}/share/zsh/functions/**/(N)); autoload -Uz compinit; compinit -D -u; source ./zsh; print rea''dy"
    zpty -r z out '*ready*'
    ${typed
      .map(
        ([line, completed]) =>
          `zpty -n -w z $'${line}\\t'; zpty -r z out '*${completed}*'; zpty -n -w z $'\\x15'; print ${line.replace(/^\S+ /, '')}`,
      )
      .join('\n')}
    zpty -d z`;
  const printed = run(zsh, ['-f', '-c', script]);
  assert.equal(printed.trim().split('\n').length, typed.length, printed);
});

test('words that a shell would read otherwise are not offered but refused', () => {
  const named = (name: string) => new Command('x').addOption(new Option('--by <view>').choices([name]));
  assert.equal(completionTable(named('api')).length, 1);
  for (const name of ['$(id)', 'a b', "it's", ''])
    assert.throws(() => completionTable(named(name)), /means something else/);
});
