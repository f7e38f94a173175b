import { createServer } from 'node:net';

/** The wanted port of 127.0.0.1 when nobody listens there, else 0, which takes a free one: the same address at each start. */
export function freePort(wanted: number): Promise<number> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(0));
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => done(wanted)));
  });
}
