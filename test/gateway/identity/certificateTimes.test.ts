import * as assert from 'node:assert/strict';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { createAuthenticate } from '../../../gateway/identity/authenticate.ts';
import type { Snapshot } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';

const test = suite('certificateTimes');
const none = new Map<string, string>();
const credentials: Snapshot['credentials'] = {
  ...{ apiKeys: none, jwtSubjects: none, jwtClaims: new Map(), spiffeIds: none, certificateUris: none },
  ...{ certificateDns: new Map([['invoicer.internal', 'service:invoicer']]), certificateSubjects: none },
};
const snapshot = { apis: new Map(), credentials } as unknown as Snapshot;
const certificate = {
  ...{ method: 'client-certificate' as const, trusted: true, uris: [], dns: ['invoicer.internal'] },
  ...{ subject: '', validFrom: 1000, validTo: 2000, thumbprint: 'x' },
};
/** Who it proves the caller to be, at a time in ms. */
const shown = (now: number, more: Partial<typeof certificate> = {}): string => {
  const authenticate = createAuthenticate({
    verifyJwt: () => assert.fail(),
    introspect: null,
    now: () => now,
  });
  try {
    const identity = authenticate(
      { rawHeaders: [], certificate: { ...certificate, ...more } },
      '',
      snapshot,
      null,
    );
    assert.ok('subject' in identity);
    return identity.subject;
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return `${error.status} ${error.code}`;
  }
};

test('a certificate counts from its first second to its last, and of an authority of ours only', () => {
  for (const now of [1_000_000, 1_500_500, 2_000_000])
    assert.equal(shown(now), 'service:invoicer', String(now));
  for (const now of [999_999, 2_000_001]) assert.equal(shown(now), '401 certificate-invalid', String(now));
  assert.equal(shown(1_500_000, { trusted: false }), '401 certificate-invalid');
  for (const unreadable of [{ validFrom: Number.NaN }, { validTo: Number.NaN }])
    assert.equal(shown(1_500_000, unreadable), '401 certificate-invalid');
});
