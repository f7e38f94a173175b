// The yardstick of several processes: bare proxies that share a port as Node's cluster has it. argv: UPSTREAM WORKERS
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';

const [upstream = '', workers = '2'] = process.argv.slice(2);
const exec = fileURLToPath(new URL('./bareUndici.ts', import.meta.url));
cluster.setupPrimary({ exec, args: [upstream] });
let listening = 0;
cluster.on('listening', (_worker, { port }) => {
  listening += 1;
  if (listening === Number(workers)) process.send?.({ port });
});
for (let worker = 0; worker < Number(workers); worker += 1) cluster.fork();
process.on('disconnect', () => process.exit());
