// Runs one test file in a process of its own (`node test/_file.ts FILE`): no shared globals, no leaked handles
// between files, and a crash is the failure of one file.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node test/_file.ts FILE');
Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: [[null]], UVU_INDEX: 0 });
const { exec } = await import('uvu');
const { runRegistered } = await import('./_suite.ts');
await import(pathToFileURL(resolve(file)).href);
if (runRegistered() === 0) {
  console.error(`${file} registers no suite`);
  process.exit(1);
}
await exec(false);
// A forgotten handle must not turn a finished file into a hang; what was started is the file's own to stop.
process.exit(process.exitCode ?? 0);
