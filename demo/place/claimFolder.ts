import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../../bundle/isAlive.ts';
import { tokensFolder } from './writeTokens.ts';

const ours: ReadonlySet<string> = new Set([
  'access.git',
  'decisions',
  'demo.pid',
  'gateway.log',
  'gateway.yaml',
  'state',
  'state.json',
  'state.json.tmp',
  tokensFolder,
  'usage',
]);

/** Makes the folder anew, unless another demo lives in it. */
export function claimFolder(folder: string): () => void {
  const lock = join(folder, 'demo.pid');
  if (existsSync(lock)) {
    const pid = Number(readFileSync(lock, 'utf8'));
    if (pid !== process.pid && isAlive(pid)) {
      throw new Error(`a demo is running already (process ${pid}); stop it first, or remove ${lock}`);
    }
  }
  // A mistyped folder must not cost anybody their files: what is removed is a demo's, or nothing.
  if (existsSync(folder) && readdirSync(folder).some((name) => !ours.has(name))) {
    throw new Error(`${folder} holds files that are not a demo's; give the demo a folder of its own`);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(lock, String(process.pid));
  return () => {
    // Addresses and tokens of a demo that is over lead nowhere; its logs and records stay to be read.
    for (const name of ['demo.pid', 'state.json', tokensFolder])
      rmSync(join(folder, name), { recursive: true, force: true });
  };
}
