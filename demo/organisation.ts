import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dayMs } from '../bundle/format/times.ts';

/** The day the sample organisation's files are written for. */
export const referenceDay = '2026-11-23';
/** The issuer of the services' tokens in the sample; a demo has an identity provider of its own. */
const placeholderIssuer = 'https://login.northwind.example';
export const sampleGrants = fileURLToPath(new URL('../grants', import.meta.url));

/** What a running demo has elsewhere than the sample says. Each is a text edit; comments stay. */
export type Replacements = {
  /** In place of {@link placeholderIssuer}, in every `jwt_subject`. */
  issuer?: string;
  /** API → its upstream's address. Throws for an API that is not there. */
  upstreams?: Readonly<Record<string, string>>;
  /** Service → SHA-256 of its API key's secret, hex. Throws for a service without an API key. */
  apiKeys?: Readonly<Record<string, string>>;
};

/**
 * Reads every file of the sample organisation, `grants/…` → text, with each date and instant in the YAML moved by the
 * whole days between {@link referenceDay} and `today` (UTC): what expired last week in the sample expired last week.
 * On the reference day the texts are the files' own.
 */
export async function datedOrganisation(
  grantsFolder: string,
  today: Date | string,
): Promise<Map<string, string>> {
  const days = daysBetween(referenceDay, today);
  const names = await readdir(grantsFolder, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(grantsFolder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
  const texts = await Promise.all(
    files.map(async (name): Promise<[string, string]> => {
      const text = await readFile(join(grantsFolder, name), 'utf8');
      return [`grants/${name}`, /\.ya?ml$/.test(name) ? shiftDates(text, days) : text];
    }),
  );
  return new Map(texts);
}

/** {@link datedOrganisation} of the sample with a demo's own addresses in it. */
export async function demoOrganisation(
  today: Date | string,
  replacements: Replacements = {},
  grantsFolder: string = sampleGrants,
): Promise<Map<string, string>> {
  const texts = await datedOrganisation(grantsFolder, today);
  const edit = (path: string, what: string, pattern: RegExp, replacement: string) => {
    const text = texts.get(path);
    if (text === undefined || !pattern.test(text)) throw new Error(`the sample organisation has no ${what}`);
    texts.set(path, text.replace(pattern, replacement));
  };
  const { issuer, upstreams = {}, apiKeys = {} } = replacements;
  const services = 'grants/directory/services.yaml';
  if (issuer !== undefined) {
    const pattern = new RegExp(`${RegExp.escape(placeholderIssuer)}(?=\\|)`, 'g');
    edit(services, `credential of ${placeholderIssuer}`, pattern, issuer.replaceAll('$', '$$$$'));
  }
  for (const [api, url] of Object.entries(upstreams))
    edit(`grants/apis/${api}.yaml`, `API ${api}`, /(?<=^upstream: )\S+/m, url.replaceAll('$', '$$$$'));
  for (const [service, hash] of Object.entries(apiKeys)) {
    const name = RegExp.escape(service);
    // Up to the hash without meeting the next service's name.
    const pattern = new RegExp(
      `(?<=- name: ${name}\\n(?:(?!  - name: ).*\\n)*? *- api_key_sha256: ")[0-9a-f]{64}`,
    );
    edit(services, `API key of ${service}`, pattern, hash);
  }
  return texts;
}

/** Writes {@link demoOrganisation} to `target/grants/…`. */
export async function writeOrganisation(
  target: string,
  { today, ...replacements }: Replacements & { today: Date | string },
): Promise<void> {
  for (const [path, text] of await demoOrganisation(today, replacements)) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await writeFile(join(target, path), text);
  }
}

/** Whole days from one UTC day to another. A Date stands for the UTC day it falls on. */
export function daysBetween(from: Date | string, to: Date | string): number {
  const start = (day: Date | string) => {
    const text = typeof day === 'string' ? day.slice(0, 10) : day.toISOString().slice(0, 10);
    const ms = Date.parse(`${text}T00:00:00Z`);
    if (Number.isNaN(ms)) throw new RangeError(`must be a day like 2026-11-23, got ${text}`);
    return ms;
  };
  return (start(to) - start(from)) / dayMs;
}

/** Moves every date in a text by whole days; the time of an instant and everything else stays as it is. */
function shiftDates(text: string, days: number): string {
  return text.replace(/(?<![\w.-])\d{4}-\d{2}-\d{2}(?=T\d{2}:\d{2}|(?![\w-]))/g, (day) => {
    const ms = Date.parse(`${day}T00:00:00Z`);
    return Number.isNaN(ms) ? day : new Date(ms + days * dayMs).toISOString().slice(0, 10);
  });
}
