import { bytesOf, size } from '../../bundle/grants/schema.ts';
import { UsageError } from './usageError.ts';

/** Bytes of a size like "10MB". Throws UsageError naming the option. */
export function sizeOf(text: string, option: string): number {
  const read = size.safeParse(text);
  if (!read.success)
    throw new UsageError(`${option} must be a size like 500MB or 2GB (kB, MB or GB), got "${text}"`);
  return bytesOf(read.data);
}
