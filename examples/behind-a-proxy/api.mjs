// Stands for an API of yours. It trusts the proxy, so it listens where only the proxy is.
import { createServer } from 'node:http';

createServer((request, response) => {
  const caller = request.headers['x-grantgate-subject'];
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ items: ['ink', 'paper'], caller }));
}).listen(9000, '127.0.0.1');
