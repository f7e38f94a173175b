import { type GatewayConfig, readConfig } from '../../gateway/config/config.ts';
import { createLog } from '../../gateway/log/createLog.ts';
import type { Gateway } from '../../gateway/serve.ts';

/** Has a running gateway take its configuration over anew; the log says what changed, or why nothing did. Never rejects. */
export async function reread(
  file: string,
  { log: begun, decisions: { instance } }: GatewayConfig,
  gateway: Pick<Gateway, 'take'>,
): Promise<void> {
  try {
    const next = readConfig(file);
    const changed = await gateway.take(next);
    const told =
      changed.length === 0
        ? 'configuration read anew: only secrets can have changed'
        : 'configuration taken over';
    createLog(next.log, { instance }).info({ changed }, told);
  } catch (error) {
    createLog(begun, { instance }).error({ err: error }, 'configuration refused; the one in force stays');
  }
}
