import type { Edit } from '../../../reviewer/edit/edit.ts';

export const file = 'grants/access/orders/billing.yaml';

export const text = `# yaml-language-server: $schema=../../schema/access.json
# The billing desk.
- id: orders-a
  role: reader   # reads only
  granted: 2026-03-01
  expires: 2027-02-28 # after the audit

# Only until the migration is over.
# Ask Ann.
- id: orders-b
  # not the admin role!
  role: "editor"
  reason: 'it''s needed'
  granted: 2026-03-01
  state: active # again since May
  # end of b

# A note that belongs to nobody.

- id: orders-c
  operations:
    - getOrder
    - createOrder # by phone
  granted: 2026-03-01
`;

export const deleted = (grant: string): Edit => ({ kind: 'delete', grant });
export const suspended = (grant: string): Edit => ({ kind: 'suspend', grant });
export const narrowed = (grant: string, to: Extract<Edit, { kind: 'narrow' }>['to']): Edit => ({
  kind: 'narrow',
  grant,
  to,
});

export const review = {
  decision: 'keep',
  by: 'user:ann@example.com',
  at: '2026-11-23T12:00:00Z',
  until: '2027-03-01',
  reason: 'The audit: "still, needed" } # until then',
} as const;
