import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningGateway, startGateway } from '../startGateway.ts';
import { freePort } from './freePort.ts';

/** Where it is at each start, when nobody else is there. */
const ports = { gateway: 8080, admin: 9090 };

type Options = {
  /** Where its file, its log and what it keeps are. */
  folder: string;
  port: number | null;
  cloneUrl: string;
  issuer: string;
  audience: string;
  webhookSecret: string;
};

/** Starts the gateway on this machine where it usually is; where that is taken, and no `port` was asked for, anywhere. */
export async function serveGateway(options: Options): Promise<RunningGateway> {
  const { folder, port, webhookSecret, ...written } = options;
  const config = join(folder, 'gateway.yaml');
  const listenOn = (listen: number, admin: number) => {
    writeFileSync(config, gatewayYaml({ ...written, port: listen, admin }));
    const env = { GRANTGATE_WEBHOOK_SECRET: webhookSecret };
    return startGateway({ config, log: join(folder, 'gateway.log'), env });
  };
  const usual = [await freePort(ports.gateway), await freePort(ports.admin)] as const;
  return listenOn(port ?? usual[0], usual[1]).catch((error: unknown) => {
    // Somebody may have come in between.
    if (port !== null || (error instanceof Error && !error.message.includes('EADDRINUSE'))) throw error;
    return listenOn(0, 0);
  });
}

type Written = Pick<Options, 'cloneUrl' | 'issuer' | 'audience'> & { port: number; admin: number };

function gatewayYaml({ port, admin, cloneUrl, issuer, audience }: Written): string {
  return `# Written by the demo. Yours will look much like it.
listen: { host: 127.0.0.1, port: ${port} }
admin: { host: 127.0.0.1, port: ${admin} }
state: state
bundle: { source: "git+${cloneUrl}#main", poll: 30s }
webhook: { secret: { env: GRANTGATE_WEBHOOK_SECRET } }
issuers:
  - { issuer: "${issuer}", audience: "${audience}" }
decisions: { folder: decisions, usage: usage, instance: gw-demo }
limits: { drain_timeout: 1s }
`;
}

/** Waits until it has loaded a bundle. */
export async function ready(admin: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; attempt < 2400; attempt += 1) {
    signal.throwIfAborted();
    const response = await fetch(`${admin}/health/ready`).catch(() => null);
    if (response?.status === 200) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('the gateway loaded no bundle in 2 minutes; its log says why');
}
