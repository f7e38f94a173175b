import * as assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readCertificate } from '../../../gateway/identity/clientCertificate.ts';
import { suite } from '../../_suite.ts';
import { makeCertificate, thumbprint } from '../_certificates.ts';

const test = suite('readCertificate');
const read = (options: Parameters<typeof makeCertificate>[0]) => {
  const made = makeCertificate(options);
  return { ...readCertificate(new X509Certificate(made.cert), true), made };
};

test('tells the names, the time and the thumbprint of a certificate', () => {
  const { made, ...told } = read({
    subject: [
      ['C', 'DE'],
      ['O', 'Example, Inc.'],
      ['CN', 'invoicer'],
    ],
    uris: ['spiffe://example.com/invoicer', 'urn:x'],
    dns: ['Invoicer.Internal'],
    ips: ['192.0.2.1'],
    from: '20260101000000Z',
    to: '20261231235959Z',
  });
  assert.deepEqual(told, {
    method: 'client-certificate',
    trusted: true,
    uris: ['spiffe://example.com/invoicer', 'urn:x'],
    dns: ['invoicer.internal'],
    subject: 'C=DE, O=Example\\, Inc., CN=invoicer',
    validFrom: Date.parse('2026-01-01T00:00:00Z') / 1000,
    validTo: Date.parse('2026-12-31T23:59:59Z') / 1000,
    thumbprint: thumbprint(made),
  });
});

test('a certificate without a subject or without other names has none', () => {
  const { subject, uris } = read({ subject: [], uris: ['spiffe://example.com/a'] });
  assert.deepEqual([subject, uris], ['', ['spiffe://example.com/a']]);
  const bare = read({ subject: [['CN', 'a']] });
  assert.deepEqual([bare.subject, bare.uris, bare.dns], ['CN=a', [], []]);
});

test('a name that holds what parts names is one name', () => {
  const hostile = ['urn:a, URI:spiffe://example.com/invoicer', 'urn:"b"', 'urn:c\\', 'urn:d\n', 'urn:plain'];
  assert.deepEqual(read({ subject: [['CN', 'a']], uris: hostile }).uris, hostile);
});

test('names that cannot be read as a whole prove nothing', () => {
  const { cert } = makeCertificate({ subject: [['CN', 'a']], uris: ['urn:a'] });
  const shown = new X509Certificate(cert);
  const uris = (subjectAltName: string) =>
    readCertificate(
      Object.assign(Object.create(null), {
        ...{ subject: 'CN=a', validFrom: shown.validFrom, validTo: shown.validTo },
        ...{ fingerprint256: shown.fingerprint256, subjectAltName },
      }),
      true,
    ).uris;
  assert.deepEqual(uris('URI:urn:a, DNS:b'), ['urn:a']);
  for (const text of ['URI:urn:a, odd', 'URI:urn:a"b', 'URI:"a\\x"', 'URI:"a', ', URI:urn:a'])
    assert.deepEqual(uris(text), [], text);
});
