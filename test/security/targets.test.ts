import * as assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { suite } from '../_suite.ts';
import { startWorld, type World } from '../gateway/_gateway.ts';

const test = suite('security: targets');
/** What of the checks a target can get past at all is met within a few hundred; ten times as many showed nothing else. */
const generated = 3000;
const connections = 16;
let world: World;
test.before(async () => {
  world = await startWorld({
    files: {
      'grants/access/orders/everything.yaml': `- id: orders-dana-read
  principal: user:dana@example.com
  api: orders
  role: reader
  reason: Asks for everything
  owner: group:billing
  granted: 2026-01-01
`,
    },
    rate: '999999999/s',
  });
});
test.after(() => world.close());

/** Request targets of pieces that parsers disagree on; none holds what the HTTP parser itself would cut off. */
function targets(count: number): string[] {
  const piece = fc.constantFrom(
    ...[
      '/',
      '//',
      '.',
      '..',
      '...',
      '%2e',
      '%2E%2e',
      '%2F',
      '%5c',
      '%255c',
      '\\',
      ';',
      ';x=1',
      'v1',
      'orders',
      'a',
      'Z',
      '%41',
      '%7e',
    ],
    ...[
      '%25',
      '%252e',
      '%e2%82%ac',
      '%ef%bc%8f',
      '%c0%ae',
      '%00',
      '%0d%0a',
      '%',
      '%zz',
      '?',
      '?a=/../b',
      '#',
      ':',
      '@',
      '~',
      '!',
      '*',
    ],
    ...[
      'http://x/',
      'orders%2fv1',
      '%u002e',
      '+',
      ',',
      '=',
      '&',
      "'",
      '(',
      ')',
      '|',
      '"',
      '<',
      '^',
      '`',
      '{',
      '[',
      '0',
    ],
  );
  const start = fc.constantFrom(
    '/orders/v1/orders/',
    '/orders/v1/orders',
    '/orders/',
    '/',
    '',
    'http://api.example.com/orders/v1/orders/',
    '/orders/v1/orders/7',
  );
  const target = fc
    .tuple(start, fc.array(piece, { maxLength: 7 }))
    .map(([first, pieces]) => first + pieces.join(''));
  const sample = fc.sample(
    target.filter((text) => text !== ''),
    { numRuns: count, seed: 20_261_124 },
  );
  // A third of them came twice, and would be answered alike.
  return [...new Set(sample)];
}

/** A connection that asks one thing after the other, and is opened anew when an answer has ended it. */
function createAsker(): { ask: (request: string) => Promise<number | null>; close: () => void } {
  const { hostname, port } = new URL(world.gateway.url);
  let socket: Socket | null = null;
  let waiting: ((status: number | null) => void) | null = null;
  let text = '';
  const settle = (status: number | null) => {
    const done = waiting;
    waiting = null;
    text = '';
    done?.(status);
  };
  const open = () => {
    const mine = connect(Number(port), hostname);
    mine.setNoDelay(true);
    mine.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
      if (end < 0 || text.length < end + 4 + length) return;
      const status = Number(text.slice(9, 12));
      if (/^connection: close/im.test(text)) {
        socket = null;
        mine.destroy();
      }
      settle(status);
    });
    mine.on('error', () => undefined);
    mine.on('close', () => {
      if (socket !== mine) return;
      socket = null;
      settle(null);
    });
    return mine;
  };
  return {
    ask: (request) =>
      new Promise((done) => {
        waiting = done;
        socket ??= open();
        socket.write(request);
      }),
    close: () => socket?.destroy(),
  };
}

test(`of ${generated} generated targets, each reaches the upstream exactly as decided, or is answered 4xx and reaches nothing`, async () => {
  const seen = new Map<number, string[]>();
  world.upstream.answer((request, response) => {
    const index = Number(request.headers['x-n']);
    seen.set(index, [...(seen.get(index) ?? []), request.url ?? '']);
    response.end('ok');
  });
  const token = await world.issuer.token({
    sub: 'dana@example.com',
    exp: Math.floor(world.clock.now / 1000) + 3600,
  });
  const all = targets(generated);
  const total = all.length;
  const statuses: (number | null)[] = new Array(total).fill(null);
  let next = 0;
  const work = async () => {
    const asker = createAsker();
    for (let index = next++; index < total; index = next++) {
      statuses[index] = await asker.ask(
        `GET ${all[index]} HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer ${token}\r\nX-N: ${index}\r\n\r\n`,
      );
    }
    asker.close();
  };
  await Promise.all(Array.from({ length: connections }, work));

  let reached = 0;
  for (const [index, target] of all.entries()) {
    // Without an answer the connection was ended, which is a refusal too.
    const status = statuses[index] ?? 400;
    const urls = seen.get(index) ?? [];
    if (urls.length === 0) {
      assert.ok(status >= 400 && status < 500, `${target}: ${status}`);
      continue;
    }
    reached += 1;
    assert.equal(status, 200, target);
    const local = target.replace(/^http:\/\/[^/]*/, '');
    const mark = local.indexOf('?');
    for (const url of urls) {
      const [path = '', query] = url.split(/\?(.*)/s);
      assert.match(path, /^\/v1\/orders(?:\/[^/?#\\;]+)?$/, target);
      assert.doesNotMatch(path, /(?:^|\/)\.{1,2}(?:\/|$)|%2f|%5c|%3b|%00|%0d|%0a/i, target);
      assert.equal(query ?? null, mark < 0 ? null : local.slice(mark + 1), target);
      assert.equal(
        decodeURIComponent(`/orders${path}`),
        decodeURIComponent(mark < 0 ? local : local.slice(0, mark)),
        target,
      );
    }
  }
  assert.ok(reached > total / 100, `${reached} reached the upstream`);
});
