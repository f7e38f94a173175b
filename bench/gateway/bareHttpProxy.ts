// The other yardstick: http-proxy-3 as its users run it, with a keep-alive agent. argv: UPSTREAM
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createProxyServer } from 'http-proxy-3';

const proxy = createProxyServer({
  target: process.argv[2] ?? '',
  agent: new Agent({ keepAlive: true, maxSockets: 256 }),
});
proxy.on('error', (_error, _request, response) => response.destroy());
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) =>
  proxy.web(request, response),
);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
