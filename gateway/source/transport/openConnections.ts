import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import { messageOf } from '../../../bundle/format/messageOf.ts';
import { SourceError } from '../contract/source.ts';

/** Files (PEM) that may be replaced while we run: who we are to the server, and who vouches for it. */
export type TlsFiles = {
  identity?: { cert: string; key: string } | undefined;
  /** The authority that signed the server's certificate, in place of the public ones. */
  ca?: string | undefined;
};

export type Connections = {
  /** What carries requests to an origin. Throws SourceError `source-invalid` for files that were never good. */
  to(origin: string): Dispatcher;
  close(): Promise<void>;
};

type Pems = { cert?: string; key?: string; ca?: string };

/**
 * Connections to one origin, by which we may be known there, and to others that learn nothing of us. The files are
 * read at each use, for certificates are short-lived; half-written ones leave the connections there are.
 */
export function openConnections({
  origin,
  tls,
  connectMs,
}: {
  origin: string;
  tls: TlsFiles;
  connectMs: number;
}): Connections {
  const open = (pems: Omit<Pems, 'ca'> & { ca?: string | string[] }) =>
    new Agent({ connect: { timeout: connectMs, ...pems }, headersTimeout: 0, bodyTimeout: 0 });
  let home: { pems: Pems; agent: Agent } | null = null;
  let away: Agent | null = null;

  const atHome = (): Agent => {
    let pems: Pems;
    try {
      pems = read(tls);
    } catch (cause) {
      if (home !== null) return home.agent;
      const what = messageOf(cause);
      throw new SourceError('source-invalid', `the certificate for the bundle server is unusable: ${what}`, {
        cause,
      });
    }
    if (home !== null && sameFiles(home.pems, pems)) return home.agent;
    // What is under way there ends by itself.
    void home?.agent.close();
    home = { pems, agent: open(pems) };
    return home.agent;
  };

  return {
    to(wanted) {
      if (wanted === origin) return atHome();
      // An authority of our own may sign a store's certificate too, beside the public ones.
      away ??= open(tls.ca === undefined ? {} : { ca: [...rootCertificates, readFileSync(tls.ca, 'utf8')] });
      return away;
    },
    async close() {
      await Promise.all([home?.agent.destroy(), away?.destroy()]);
    },
  };
}

function read({ identity, ca }: TlsFiles): Pems {
  const pems: Pems = {
    ...(identity === undefined
      ? {}
      : { cert: readFileSync(identity.cert, 'utf8'), key: readFileSync(identity.key, 'utf8') }),
    ...(ca === undefined ? {} : { ca: readFileSync(ca, 'utf8') }),
  };
  if (pems.ca !== undefined && !pems.ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error(`${ca} holds no certificate`);
  if (Object.keys(pems).length > 0) createSecureContext(pems);
  return pems;
}

const sameFiles = (one: Pems, other: Pems) =>
  one.cert === other.cert && one.key === other.key && one.ca === other.ca;
