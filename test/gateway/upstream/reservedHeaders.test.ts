import * as assert from 'node:assert/strict';
import { isReserved, reservedHeaders } from '../../../gateway/upstream/reservedHeaders.ts';
import { suite } from '../../_suite.ts';

const test = suite('reservedHeaders');

// Written out, and not made of the table: what is taken out of that must be missed.
const ours = `
  x-grantgate x-grantgate-subject x-grantgate-anything x-forwarded x-forwarded-for x-forwarded-client-cert
  x-forwarded-user forwarded x-real-ip x-client-ip x-cluster-client-ip true-client-ip x-original-url x-original-host
  x-rewrite-url x-method-override x-http-method x-http-method-override x-user x-user-id x-auth-request
  x-auth-request-email x-auth-user x-auth-email x-auth-group x-auth-groups x-auth-role x-auth-roles x-auth-subject
  x-authenticated x-authenticated-userid x-remote-user remote-user x-webauth-user x-principal x-principal-id
  x-principalname x-jwt-assertion x-jwt-claim-sub x-jwt-claims x-ssl-client-cert ssl-client-verify x-client-cert
  x-client-certificate x-client-cert-dn client-cert client-cert-chain x-amzn-mtls-clientcert x-arr-clientcert
  x-mtls-subject x-tls-client x-spiffe-id proxy proxy-connection proxyuser http2-settings authorization x-api-key
  --proto--
`.match(/\S+/g) as readonly string[];
const theirs = `
  x-users x-username x-authority x-auth x-auth-token x-request-id x-originality x-rewriter x-methods x-forwardedfor
  my-forwarded forwarded-for forwarder x-real-ip-x x-client x-remotely remote-users authorization-x x-api-keys
  client-certs client-cert-x x-api-key-id x-jwt x-sslx x-tlsx x-mtlsx http2 http2-settings-x x-xssl-a proto
  prox prox-id x-principa x-principa-l x-client-cer
`.match(/\S+/g) as readonly string[];

test('what tells an upstream who calls, from where or what else to do is ours, in any spelling', () => {
  for (const name of ours)
    for (const spelling of [name, name.toUpperCase(), name.replaceAll('-', '_'), name.replaceAll('-', '.')])
      assert.equal(isReserved(spelling), true, spelling);
});

test('what is only called alike is the caller’s', () => {
  for (const name of theirs) assert.equal(isReserved(name), false, name);
});

test('each pattern of the table has an example here', () => {
  for (const [pattern] of reservedHeaders) {
    const [name = '', open] = pattern.endsWith('*') ? [pattern.replace(/-?\*$/, ''), true] : [pattern, false];
    assert.ok(
      ours.some((one) => (open ? one.startsWith(name) : one === name)),
      pattern,
    );
  }
});
