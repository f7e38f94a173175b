import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Program } from './_debian.ts';

/** A port that nobody listens on: below those which systems give out, so that no other test's server is given it meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((done) => {
      server.once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => done(true));
    });
    if (!isFree) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}

/** A server program of somebody else's, and what it said so far, without the colours that some pythons choose. */
export type RunningServer = { url: string; said: () => string; close: () => Promise<void> };

/** Starts a program that listens on a loopback port, and waits until it does. */
export async function startServer(
  { path, env }: Program,
  args: readonly string[],
  port: number,
): Promise<RunningServer> {
  const child = spawn(path, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000);
    });
  child.on('error', (error) => {
    said += error.message;
  });
  for (const until = Date.now() + 20_000; Date.now() < until && child.exitCode === null; await sleep(25))
    if (await listens(port))
      return {
        url: `http://127.0.0.1:${port}`,
        said: () => stripVTControlCharacters(said),
        close: () => end(child),
      };
  await end(child);
  throw new Error(`${path} does not start: ${said}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
}

function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}
