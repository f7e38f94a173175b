import { join } from 'node:path';
import { messageOf } from '../bundle/format/messageOf.ts';
import { openBrowser } from './openBrowser.ts';
import { createProgress } from './place/progress.ts';
import { type Loop, startLoop } from './startLoop.ts';
import { type Pages, startPages } from './startPages.ts';
import { tour } from './tour/tour.ts';
import { TourError } from './tour/tourError.ts';
import { welcome } from './welcome.ts';

/**
 * Runs the demo until it is told to stop (SIGINT, SIGTERM), or, with `tour`, walks through it and ends. Returns the
 * exit code: 0 when everything held, 1 when something did not.
 */
export async function demo(options: {
  folder: string;
  tour: boolean;
  json: boolean;
  port: number | null;
  /** Shows the first page in a browser, where somebody sits before this machine. */
  open: boolean;
}): Promise<number> {
  const stop = new AbortController();
  const stopped = new Promise<void>((done) =>
    stop.signal.addEventListener('abort', () => done(), { once: true }),
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const note = (line: string) => void process.stderr.write(`demo: ${line}\n`);
  const progress = createProgress(note);
  let loop: Loop | null = null;
  let pages: Pages | null = null;
  try {
    loop = await startLoop({
      folder: options.folder,
      port: options.port,
      now: Date.now,
      progress: progress.begin,
      signal: stop.signal,
    });
    progress.end();
    if (options.tour) {
      const walking = tour(loop, Date.now, print, progress.begin);
      const took = await Promise.race([walking, stopped.then(() => null)]);
      if (took === null) return 130;
      print(`merge → enforced: ${Math.round(took)} ms`);
      return 0;
    }
    pages = await startPages(loop, Date.now);
    print(options.json ? JSON.stringify(addresses(loop, pages)) : welcome(loop, pages, Date.now()));
    if (options.open) {
      const { platform, env, stdin, stdout } = process;
      openBrowser(pages.tour, { platform, env, isTerminal: Boolean(stdin.isTTY && stdout.isTTY) });
    }
    await stopped;
    note('stopping …');
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    note(error instanceof TourError ? `it did not hold: ${error.message}` : `${messageOf(error)}`);
    if (!(error instanceof TourError)) note(`logs are in ${join(options.folder, 'gateway.log')}`);
    return 1;
  } finally {
    progress.end();
    await pages?.close();
    await loop?.close();
  }
}

function addresses({ gateway, admin, forge, issuer, repository, pulls }: Loop, pages: Pages) {
  const { tour, console } = pages;
  return { tour, console, gateway, admin, forge: forge.url, issuer, repository, pulls };
}
