// Stands for your API. It trusts whoever reaches it: only the gateway is on its network.
import { createServer } from 'node:http';

createServer((request, response) => {
  const caller = request.headers['x-grantgate-subject'];
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ items: ['ink', 'paper'], caller }));
}).listen(3000);

process.on('SIGTERM', () => process.exit());
