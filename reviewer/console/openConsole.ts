import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { openBackground } from './background.ts';
import { createChanges } from './changes.ts';
import { openConsoleState } from './consoleState.ts';
import { createAnswer } from './createAnswer.ts';
import type { Fleet } from './views/fleetPage.ts';

export type ConsoleOptions = {
  /** The repository: a work tree, shown as its files lie on disk, or a bare repository, shown at its HEAD. */
  root: string;
  decisions: readonly string[];
  usage: readonly string[];
  /** Gateways' admin addresses, and the token they want, if they do. */
  gateways: readonly string[];
  adminToken: string | null;
  /** Asks the gateways what they enforce; null when none was named. */
  fleet: (() => Promise<Fleet>) | null;
  host: string;
  port: number;
  /** What browsers must show; null: none, and only a loopback address may be listened on. */
  token: string | null;
  /** Seconds since 1970; null: now. */
  asOf: number | null;
  /** How far recorded requests are looked back on where a change is judged. */
  days: number;
  now: () => number;
  onFailure: (error: unknown) => void;
};

export type Console = { url: string; close: () => Promise<void> };

/**
 * Serves the console. It only shows: nothing is written, and it asks nobody but the gateways that were named. Throws
 * TypeError when others could reach it without a token, ReviewError `grants-invalid`, GitError, and when the port is taken.
 */
export async function openConsole(options: ConsoleOptions): Promise<Console> {
  const { root, decisions, usage, gateways, adminToken, fleet, host, port, token, asOf, now } = options;
  if (token === '') throw new TypeError('the token of the console must not be empty');
  if (token === null && !isLoopback(host))
    throw new TypeError('without a token the console listens on loopback only');
  const state = await openConsoleState({
    root,
    decisions,
    usage,
    adminToken,
    asOf,
    now,
    background: openBackground(),
  });
  const comparing = openBackground();
  const seconds = () => asOf ?? Math.floor(now() / 1000);
  const changes = createChanges({
    ...{ root, background: comparing, decisions, asOf: seconds },
    days: options.days,
  });
  const sources = { state, changes, gateways, adminToken, fleet };
  const answer = createAnswer({ sources, token, onFailure: options.onFailure });
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 60_000, maxHeaderSize: 16_384 },
    (request, response) => void answer(request, response),
  );
  const close = async () => {
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
    await Promise.all([state.close(), comparing.close()]);
  };
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(port, host, done);
    });
  } catch (error) {
    await Promise.all([state.close(), comparing.close()]);
    throw error;
  }
  const at = server.address() as AddressInfo;
  return { url: `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}/`, close };
}
