import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { fetchLines } from './fetchLines.ts';

/** Evidence as files; what could not be had covers nothing. */
export type Sources = {
  decisions: readonly string[];
  rollups: readonly string[];
  unreachable: readonly { file: string; reason: string }[];
  /** Where a file was fetched from; itself, when it was not. */
  origin(file: string): string;
  close(): Promise<void>;
};

type Options = {
  /** Folders, files and globs of decision logs. */
  decisions: readonly string[];
  /** The same of roll-ups, and addresses of gateways' admin listeners. */
  usage: readonly string[];
  /** The first day that gateways are asked for, YYYY-MM-DD. */
  since: string;
  /** The gateways' admin token, if they want one. */
  token: string | null;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
};

const isAddress = (source: string) => /^https?:/i.test(source);

function assertAddress(source: string): void {
  const url = URL.parse(source);
  if (url === null || /[?#]/.test(source) || url.username !== '' || url.password !== '')
    throw new ReviewError(
      'source-malformed',
      'a gateway is named by the address of its admin listener, like http://127.0.0.1:9090, without credentials',
    );
}

/**
 * Fetches what does not lie here, into a folder that goes with it. A gateway that cannot be reached is no error: what it
 * would have said is missing. Throws ReviewError `source-malformed`, `aborted`.
 */
export async function openSources(options: Options): Promise<Sources> {
  const { decisions, usage, since, token, timeoutMs = 60_000, signal } = options;
  const addresses = usage.filter(isAddress);
  for (const address of addresses) assertAddress(address);
  const folder = await temporaryFolder('sources');
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    const rollups = usage.filter((source) => !isAddress(source));
    const origins = new Map<string, string>();
    const unreachable: { file: string; reason: string }[] = [];
    for (const [index, address] of addresses.entries()) {
      const file = join(folder, `gateway-${index}.ndjson`);
      const reason = await fetchLines(address, `/usage?since=${since}`, file, { token, timeoutMs, signal });
      stopIfAborted(signal);
      if (reason === null) {
        rollups.push(file);
        origins.set(basename(file), address);
      } else unreachable.push({ file: address, reason });
    }
    // Found again by its real path, which a folder for what is fetched may not have been named by.
    const origin = (file: string) => (file.includes(basename(folder)) && origins.get(basename(file))) || file;
    return { decisions, rollups, unreachable, origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}
