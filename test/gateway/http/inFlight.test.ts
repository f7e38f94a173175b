import * as assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createInFlight } from '../../../gateway/http/inFlight.ts';
import { suite } from '../../_suite.ts';

const test = suite('inFlight');

test('the answer under way on a connection is the first that is owed and has not gone out', async () => {
  const inFlight = createInFlight();
  const asked: ServerResponse[] = [];
  const server = createServer((request, response) => {
    inFlight.begin(request.socket, response);
    asked.push(response);
    server.emit('asked');
  });
  const [socket] = await new Promise<[ReturnType<typeof connect>]>((done) => {
    server.listen(0, '127.0.0.1', () => done([connect((server.address() as AddressInfo).port, '127.0.0.1')]));
  });
  const more = (count: number) => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(count));
  const until = async (count: number) => {
    while (asked.length < count) await once(server, 'asked');
  };
  more(2);
  await until(2);
  const [first, second] = asked;
  assert.ok(first !== undefined && second !== undefined);
  const connection = first.req.socket;
  assert.equal(inFlight.answer(connection), first);
  // Ended, but not its turn.
  second.end('2');
  assert.equal(inFlight.answer(connection), first);
  first.end('1');
  await Promise.all([first, second].map((one) => one.writableFinished || once(one, 'finish')));
  assert.equal(inFlight.answer(connection), null);
  more(1);
  await until(3);
  assert.equal(inFlight.answer(connection), asked[2]);
  socket.destroy();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});
