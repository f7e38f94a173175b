// The yardstick: a proxy that decides nothing and records nothing, on the same dispatcher. argv: UPSTREAM
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2] ?? '', { connections: 256 });
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const headers: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (/^(?:host|connection|keep-alive|transfer-encoding)$/i.test(name)) continue;
    headers.push(name, request.rawHeaders[index + 1] ?? '');
  }
  const hasBody =
    request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  pool.dispatch(
    { path: request.url ?? '/', method: request.method ?? 'GET', headers, body: hasBody ? request : null },
    {
      onRequestStart() {},
      onResponseStart(controller, status, answer) {
        delete answer.connection;
        delete answer['keep-alive'];
        delete answer['transfer-encoding'];
        response.writeHead(status, answer as Record<string, string | string[]>);
        response.on('drain', () => controller.resume());
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause();
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        response.destroy();
      },
    },
  );
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
