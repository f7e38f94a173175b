import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DayOfUse, readUsage, type Usage } from '../../../reviewer/evidence/usage.ts';
import type { Suite } from '../../_suite.ts';
import { asOfMs, recordLine, type Use } from '../_review.ts';

/** The folder of the test that runs. */
export let folder = '';

export const seconds = asOfMs / 1000;
export const file = () => join(folder, 'gw-1', '2026-11-23.ndjson');
export const write = (lines: readonly string[]) =>
  writeFile(file(), lines.map((line) => `${line}\n`).join(''));
const opened: Usage[] = [];

/** Gives each test of a suite a folder of its own, and closes what it has opened. */
export function inFolders(test: Suite): void {
  test.before.each(async () => {
    folder = await mkdtemp(join(tmpdir(), 'grantgate-usage-test-'));
    await mkdir(join(folder, 'gw-1'));
  });
  test.after.each(async () => {
    for (const usage of opened.splice(0)) await usage.close();
    await rm(folder, { recursive: true, force: true });
  });
}

export const open = async (options: Partial<Parameters<typeof readUsage>[0]> = {}) => {
  const usage = await readUsage({ sources: [folder], asOf: seconds, since: seconds - 86_400, ...options });
  opened.push(usage);
  return usage;
};
export const read: (...args: Parameters<typeof open>) => Promise<Omit<Usage, 'uses'> & { uses: DayOfUse[] }> =
  async (options) => {
    const usage = await open(options);
    return { ...usage, uses: await usage.uses() };
  };
export const records = (uses: readonly Use[]) => uses.map((use, i) => recordLine(use, 'gw-1', i + 1));
