import type { KeyTexts } from '../bundle/keys.ts';
import { readSecret } from './config.ts';

/**
 * The text of the key or keys that a bundle's section of gateway.yaml names; undefined when it names none. Throws
 * ConfigError when a file cannot be read.
 */
export function readVerifyKeyTexts(
  { key, keys }: { key?: string | undefined; keys?: Readonly<Record<string, string>> | undefined },
  env: NodeJS.ProcessEnv,
): KeyTexts | undefined {
  if (keys !== undefined)
    return Object.fromEntries(
      Object.entries(keys).map(([id, file]) => [id, readSecret({ file }, env)] as const),
    );
  return key === undefined ? undefined : readSecret({ file: key }, env);
}
