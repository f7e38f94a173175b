import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { suite } from '../_suite.ts';

const test = suite('listener');

test('headers that a lenient parser lets through are refused, whatever Node is started with', async () => {
  // What it prints: the status of each answer, and whether the request came to be served.
  const program = `
    import { connect } from 'node:net';
    const { createListener } = await import(${JSON.stringify(new URL('../../gateway/listener.ts', import.meta.url).href)});
    const limits = { headers: 16384, headers_timeout: 10000, idle_timeout: 10000, progress: 1000, drain_timeout: 1000 };
    let served = 0;
    const onRequest = (_, response) => { served += 1; response.end(); };
    const streams = { closeAll() {} };
    const { server } = createListener({ limits, tls: null, onCut() {}, streams, onRequest, onUpgrade() {} });
    server.listen(0, '127.0.0.1', async () => {
      const out = [];
      for (const line of ['X-A: 1', 'X A: 1', 'X-A: a\\x01b', 'X-A : 1'])
        out.push(await new Promise((done) => {
          const socket = connect(server.address().port, '127.0.0.1');
          let text = '';
          socket.on('data', (chunk) => { text += chunk; }).on('close', () => done(text.slice(9, 12)));
          socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n' + line + '\\r\\n\\r\\n');
        }));
      console.log(out.join(), served);
      process.exit();
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--insecure-http-parser', '--input-type=module', '--eval', program],
  ]);
  assert.equal(stdout.trim(), '200,400,400,400 1');
});
