import type { NewRecord } from '../../../gateway/record/recordLine.ts';

type More = Partial<Omit<NewRecord, 'input'>> & { input?: Partial<NewRecord['input']> };

/** A decision at an instant (ms since 1970), allowed by one grant, but for what is given. */
export const newRecord = (atMs: number, { input, ...more }: More = {}): NewRecord => ({
  timestamp: new Date(atMs).toISOString(),
  decision_id: `id-${atMs}`,
  path: 'grantgate/authz/decision',
  bundles: { grantgate: { revision: 'abc' } },
  input: {
    subject: 'user:ann@example.com',
    groups: [],
    api: 'orders',
    operation: 'getOrder',
    method: 'GET',
    path: '/v1/orders/{orderId}',
    networks: [],
    mfa: false,
    time: Math.floor(atMs / 1000),
    ...input,
  },
  result: { allow: true, grants: ['orders-read'], reason: 'granted' },
  ...more,
});
