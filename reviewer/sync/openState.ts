import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import { isCode } from '../../bundle/format/isCode.ts';
import { writeWhole } from '../writeWhole.ts';
import type { ProviderConfig } from './providers/syncConfig.ts';
import { SyncError } from './providers/syncError.ts';

/** Of another form, a state is none. */
const version = 1;

const head = z.strictObject({
  version: z.literal(version),
  provider: z.string(),
  /** Of the provider's part of sync.yaml: what is taken of it, and from where. */
  configuration: z.string(),
  /** When everything was read, milliseconds since 1970. */
  whole: z.int().min(0),
  /** Of the rest of the file. */
  content: z.string(),
});

/** What was kept of a provider; `why` there is nothing to go on from. */
export type Kept = { value: unknown; whole: number; why: null } | { value: null; whole: null; why: string };

export type StateFile = {
  read: () => Promise<Kept>;
  /** `whole` as {@link Kept} has it. Throws SyncError `sync-state`. */
  write: (value: unknown, whole: number) => Promise<void>;
};

type Options = {
  folder: string;
  config: ProviderConfig;
  /** How long changes may be followed before everything is read again, ms. */
  fullEveryMs: number;
  /** Milliseconds since 1970. */
  nowMs: number;
};

/**
 * What a provider's last read left for the next one, in a file of its own. A file that is missing, damaged, too old, or of
 * another configuration is no state, and costs a whole read, nothing else.
 */
export function openState({ folder, config, fullEveryMs, nowMs }: Options): StateFile {
  const path = join(folder, `${config.provider}.json`);
  const configuration = sha256(canonicalJson(config));
  const nothing = (why: string): Kept => ({ value: null, whole: null, why });
  return {
    async read() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        const missing = isCode(error, 'ENOENT');
        return nothing(missing ? 'there is no state yet' : `${path} cannot be read`);
      }
      const end = text.indexOf('\n');
      const content = text.slice(end + 1);
      const told = head.safeParse(jsonOf(text.slice(0, Math.max(0, end)))).data;
      if (told === undefined || told.content !== sha256(content)) return nothing(`${path} is damaged`);
      if (told.provider !== config.provider || told.configuration !== configuration)
        return nothing('sync.yaml is not what it was');
      if (told.whole > nowMs || nowMs - told.whole >= fullEveryMs) return nothing('it is time again');
      return { value: jsonOf(content), whole: told.whole, why: null };
    },
    async write(value, whole) {
      const content = JSON.stringify(value);
      const told: z.output<typeof head> = {
        version,
        provider: config.provider,
        configuration,
        whole,
        content: sha256(content),
      };
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        // It is no part of a repository that it may lie in.
        await writeFile(join(folder, '.gitignore'), '*\n');
        await writeWhole(path, `${JSON.stringify(told)}\n${content}`, 0o600);
      } catch (cause) {
        throw new SyncError('sync-state', `${path} cannot be written, the rest is done`, { cause });
      }
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
