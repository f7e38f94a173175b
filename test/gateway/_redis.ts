import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { rateOf } from '../../bundle/format/rate.ts';
import { createLimit } from '../../gateway/limits/limit.ts';
import { debianProgram } from '../_debian.ts';
import { freePort } from '../_server.ts';

/** A store that speaks Redis' protocol. */
export type Store = {
  url: string;
  /** Which one it is. */
  name: string;
  /** It takes connections and answers nothing any more, until told otherwise. */
  hang: (hanging: boolean) => void;
  /** It is gone; `start` brings it back on the same port, empty. */
  stop: () => Promise<void>;
  start: () => Promise<void>;
};

const packages = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2', 'libatomic1'];

/** The real server where it can be had, else a stand-in for its protocol that runs our script's algorithm. */
export async function startStore(password = ''): Promise<Store> {
  const program = await debianProgram('redis-server', packages, ['--version']);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const store = program === null ? standIn(port, password) : server();
  await store.start();
  console.log(`      store: ${store.name}`);
  return { url, ...store };

  function server(): Omit<Store, 'url'> {
    let child: ChildProcess | null = null;
    return {
      name: 'redis-server',
      start: async () => {
        const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
        child = spawn(
          program?.path ?? '',
          [...options, ...(password === '' ? [] : ['--requirepass', password])],
          {
            env: program?.env,
            stdio: 'ignore',
          },
        );
        await reachable(port);
      },
      stop: async () => {
        const ended = new Promise((done) => child?.once('exit', done));
        child?.kill('SIGCONT');
        child?.kill('SIGKILL');
        await ended;
      },
      hang: (hanging) => void child?.kill(hanging ? 'SIGSTOP' : 'SIGCONT'),
    };
  }
}

function standIn(port: number, password: string): Omit<Store, 'url'> {
  let hanging = false;
  let limit = createLimit();
  let known = false;
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const answer = ([name = '', ...rest]: string[], state: { open: boolean }): string => {
    const command = name.toUpperCase();
    if (command === 'AUTH') {
      state.open = rest.at(-1) === password;
      return state.open ? '+OK' : '-WRONGPASS no';
    }
    if (!state.open) return '-NOAUTH first';
    if (command === 'EVALSHA' && !known) return '-NOSCRIPT load it';
    if (command === 'EVALSHA' || command === 'EVAL') {
      known = true;
      const [, , key = '', interval = '', period = ''] = rest;
      const rate = rateOf(Math.round(Number(period) / Number(interval)), Number(period));
      const value = String(limit(key, rate, Date.now()));
      return `$${value.length}\r\n${value}`;
    }
    return '+OK';
  };
  const net = createServer((socket) => {
    const state = { open: password === '' };
    let text = '';
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    const work = () => {
      for (let found = commandIn(text); found !== null; found = commandIn(text)) {
        text = text.slice(found.length);
        socket.write(`${answer(found.words, state)}\r\n`);
      }
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (hanging) waiting.push(work);
      else work();
    });
  });
  return {
    name: 'a stand-in, as redis-server cannot be had here',
    start: () => new Promise((done) => net.listen(port, '127.0.0.1', done)),
    stop: async () => {
      limit = createLimit();
      known = false;
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => net.close(done));
    },
    hang: (value) => {
      hanging = value;
      if (!value) for (const work of waiting.splice(0)) work();
    },
  };
}

/** The first whole command (an array of bulk strings) and how many characters it takes. */
function commandIn(text: string): { words: string[]; length: number } | null {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return null;
  const words: string[] = [];
  let at = head[0].length;
  for (let count = Number(head[1]); count > 0; count -= 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (size === null) return null;
    at += size[0].length;
    const end = at + Number(size[1]);
    if (text.length < end + 2) return null;
    words.push(text.slice(at, end));
    at = end + 2;
  }
  return { words, length: at };
}

async function reachable(port: number): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(25);
  }
  throw new Error('redis-server does not start');
}
