// Runs test files one after the other in this process (`node test/_file.ts FILE…`): what they import is loaded once.
// None meets what another left behind: where one leaves anything, this ends, and whoever started it begins the next
// file in a fresh process. With `--mark=TEXT`, both streams tell where a file's output ends: `TEXT CODE`, then `next` or `end`.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const mark = process.argv.find((argument) => argument.startsWith('--mark='))?.slice('--mark='.length);
const files = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
if (files.length === 0) throw new Error('usage: node test/_file.ts [--mark=TEXT] FILE…');
const queue: unknown[][] = [];
Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: queue, UVU_INDEX: 0 });
const { exec } = await import('uvu');
const { runRegistered } = await import('./_suite.ts');

/** From a process that is larger than this, starting programs costs more than loading everything anew. */
const mostBytes = 350e6;

/** The functions that all files share, and one might replace and not put back. */
const shared = [
  globalThis,
  Date,
  performance,
  Math,
  console,
  process,
  process.stdout,
  process.stderr,
].flatMap((holder) =>
  Object.entries(Object.getOwnPropertyDescriptors(holder)).flatMap(([name, { value }]) =>
    typeof value === 'function' ? [{ holder, name, value }] : [],
  ),
);
/** Events that tell nobody anything as long as files follow, and that libraries listen to for good. */
const atTheEnd = new Set<string | symbol>(['exit', 'newListener', 'removeListener']);

/** What the next file would find of the process. */
function surroundings(): string {
  const events = process.eventNames().filter((name) => !atTheEnd.has(name));
  const replaced = shared.filter(
    ({ holder, name, value }) => Object.getOwnPropertyDescriptor(holder, name)?.value !== value,
  );
  return JSON.stringify([
    [process.env, process.argv, process.cwd(), process.umask(), process.title],
    events.map((name) => [String(name), process.listenerCount(name)]),
    replaced.map(({ name }) => name),
    process.getActiveResourcesInfo().sort(),
  ]);
}

/** Whether all is again as it was; what has just been opened, or is closing, has a moment to show. */
async function isAsBefore(before: string): Promise<boolean> {
  for (let tries = 0; tries < 10; tries += 1) {
    await sleep(5);
    if (surroundings() === before) return true;
  }
  return false;
}

const tell = (stream: NodeJS.WriteStream, text: string) =>
  new Promise<void>((done) => stream.write(text, () => done()));

for (const file of files) {
  const before = surroundings();
  queue.splice(0, queue.length, [null]);
  await import(pathToFileURL(resolve(file)).href);
  if (runRegistered() === 0) {
    console.error(`${file} registers no suite`);
    process.exit(1);
  }
  await exec(false);
  if (mark === undefined) continue;
  const code = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  const goesOn = file !== files.at(-1) && process.memoryUsage.rss() < mostBytes && (await isAsBefore(before));
  for (const stream of [process.stdout, process.stderr])
    await tell(stream, `\n${mark} ${code} ${goesOn ? 'next' : 'end'}\n`);
  if (!goesOn) break;
}
// A forgotten handle must not turn a finished file into a hang; what was started is the file's own to stop.
process.exit(process.exitCode ?? 0);
