import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '../../../commands/program.ts';
import { parseConfig } from '../../../gateway/config/config.ts';
import { suite } from '../../_suite.ts';
import { root } from '../../project/_copyRepository.ts';

const test = suite('the systemd unit');
const unit = readFileSync(join(root, 'gateway/deploy/systemd/grantgate.service'), 'utf8');
const settings = new Map(
  [...unit.matchAll(/^([A-Za-z]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);

test('sets nothing twice', () => {
  assert.equal([...unit.matchAll(/^[A-Za-z]+=/gm)].length, settings.size);
});

test('starts the gateway by a command and options that there are, and takes changes over as the program does', () => {
  const [program, command, ...rest] = (settings.get('ExecStart') ?? '').split(' ');
  assert.deepEqual([program, command], ['/usr/bin/grantgate', 'serve']);
  const options = createProgram().commands.find((one) => one.name() === command)?.options ?? [];
  for (const option of rest.filter((word) => word.startsWith('--')))
    assert.ok(
      options.some(({ long }) => long === option),
      option,
    );
  assert.match(settings.get('ExecReload') ?? '', / -USR2 \$MAINPID$/);
});

test('tries for as long as it takes: a full disk may keep it from starting', () => {
  const seconds = Number(/^(\d+)s$/.exec(settings.get('RestartSec') ?? '')?.[1]);
  assert.deepEqual([settings.get('Restart'), settings.get('StartLimitIntervalSec')], ['on-failure', '0']);
  assert.ok(seconds > 0);
});

test('gives it time to let requests end, and one folder to write to', () => {
  const { limits } = parseConfig({ bundle: { source: 'git+file:///x' } }, '/etc/grantgate/gateway.yaml');
  const seconds = Number(/^(\d+)s$/.exec(settings.get('TimeoutStopSec') ?? '')?.[1]);
  assert.ok(seconds * 1000 > limits.drain_timeout, String(seconds));
  assert.deepEqual(
    [settings.get('StateDirectory'), settings.get('StateDirectoryMode')],
    ['grantgate', '0700'],
  );
  assert.equal(settings.get('ReadWritePaths'), undefined);
});

test('takes away what a gateway does not need, and not what WebAssembly needs', () => {
  const expected = {
    ...{ NoNewPrivileges: 'yes', CapabilityBoundingSet: '', User: 'grantgate', UMask: '0077' },
    ...{ ProtectSystem: 'strict', ProtectHome: 'yes', PrivateTmp: 'yes', PrivateDevices: 'yes' },
    ...{ RestrictNamespaces: 'yes', RestrictSUIDSGID: 'yes', SystemCallFilter: '@system-service' },
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(settings.get(name), value, name);
  assert.ok(!settings.has('MemoryDenyWriteExecute'));
});

test('systemd has nothing to say against it, where systemd is installed', () => {
  if (spawnSync('systemd-analyze', ['--version']).error !== undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-unit-'));
  const said = (text: string) => {
    const file = join(folder, 'grantgate.service');
    // The program is not installed where tests run.
    writeFileSync(file, text.replace('/usr/bin/grantgate', '/bin/true').replace(/^Documentation=.*\n/m, ''));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    return {
      status,
      about: `${stdout}${stderr}`.split('\n').filter((line) => line.includes('grantgate.service')),
    };
  };
  try {
    assert.deepEqual(said(unit), { status: 0, about: [] });
    assert.notDeepEqual(said(unit.replace('NoNewPrivileges=', 'NoNewPrivilege=')).about, []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
