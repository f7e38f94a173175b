import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createReceivePush } from '../../../gateway/admin/receivePush.ts';
import { refuse } from '../../../gateway/http/answer.ts';
import { suite } from '../../_suite.ts';

const test = suite('receivePush');

let server: Server;
const arrivals: number[] = [];
test.before(async () => {
  const receivePush = createReceivePush(1000);
  server = createServer((incoming, response) => {
    incoming.once('data', () => arrivals.push(1));
    receivePush('github', incoming, { secret: 'secret', branch: 'main' }).catch((error: unknown) =>
      refuse(incoming, response, error, () => undefined),
    );
    // The listener above must take nothing away.
    incoming.pause();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
test.after(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const deliver = (text: string) => {
  const sent = request({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    method: 'POST',
    headers: { 'content-length': 600 },
  });
  sent.write(text);
  return sent;
};
const statusOf = async (sent: ReturnType<typeof deliver>): Promise<number> => {
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
};

test('what is being delivered has a bound for all of it, and room comes back as it ends', async () => {
  const first = deliver('x'.repeat(599));
  for (let tries = 0; arrivals.length < 1 && tries < 600; tries += 1)
    await new Promise((done) => setTimeout(done, 20));
  const second = deliver('x'.repeat(599));
  assert.equal(await statusOf(second), 503);
  second.destroy();
  first.end('x');
  assert.equal(await statusOf(first), 401);
  const third = deliver('x'.repeat(599));
  third.end('x');
  assert.equal(await statusOf(third), 401);
});
