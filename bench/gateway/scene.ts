import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Issuer, startIssuer } from '../../test/gateway/_issuer.ts';
import { answer } from './answer.ts';
import type { Credentials } from './gate.ts';
import { startNginx } from './peers.ts';
import { tokensOf, writeOrganisation } from './world.ts';

/** What all peers of a bench stand in front of, and who asks them. */
export type Scene = {
  upstream: string;
  /** The repository of the organisation that declares it. */
  root: string;
  issuer: Issuer;
  /** A file with a token of each caller, and the same as a list. */
  tokenFile: string;
  tokens: readonly string[];
  credentials: Credentials;
};

/** Starts an upstream (nginx) and an issuer, and writes an organisation of so many callers; `stops` learns how to end both. */
export async function openScene(
  folder: string,
  callers: number,
  stops: (() => Promise<void> | void)[],
  rate?: string,
): Promise<Scene> {
  const upstream = await startNginx(
    folder,
    'upstream',
    (port) =>
      `server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${answer}'; } }`,
  );
  stops.push(upstream.stop);
  const root = join(folder, 'access');
  writeOrganisation(root, upstream.url, callers, rate);
  const issuer = await startIssuer();
  stops.push(issuer.close);
  const tokens = await tokensOf(issuer, callers);
  const tokenFile = join(folder, 'tokens');
  writeFileSync(tokenFile, tokens.join('\n'));
  const [caller = '', second = ''] = tokens;
  const forged = caller.slice(0, caller.lastIndexOf('.')) + second.slice(second.lastIndexOf('.'));
  const stranger = await issuer.token({ sub: 'stranger@example.com' });
  return {
    upstream: upstream.url,
    root,
    issuer,
    tokenFile,
    tokens,
    credentials: { caller, stranger, forged },
  };
}
