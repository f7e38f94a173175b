import {
  createHash,
  createPrivateKey,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** A certificate with its key, both PEM. */
export type Certificate = { cert: string; key: string; subject: Buffer };

type Options = {
  /** Parts of the name in their order, e.g. `[['CN', 'x']]`. */
  subject: [keyof typeof nameParts, string][];
  /** Left out: it signs itself. */
  issuer?: Certificate;
  authority?: boolean;
  uris?: readonly string[];
  dns?: readonly string[];
  ips?: readonly string[];
  /** `YYYYMMDDHHMMSSZ`. */
  from?: string;
  to?: string;
  /** Extended key usage; a client's when left out. */
  usage?: 'client' | 'server';
};

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? Buffer.from([body.length])
      : body.length < 256
        ? Buffer.from([0x81, body.length])
        : Buffer.from([0x82, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
};
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const nameParts = { C: '550406', O: '55040a', OU: '55040b', CN: '550403' };
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const extension = (id: string, value: Buffer, critical = false) =>
  sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));
// No blank line before the end: OpenSSL would not read it.
const pem = (bytes: Buffer) => {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
};

/** Makes an X.509 certificate (P-256), so that tests need no openssl. */
export function makeCertificate(options: Options): Certificate {
  const { issuer, authority = false, uris = [], dns = [], ips = [], usage = 'client' } = options;
  const { from = '20200101000000Z', to = '21200101000000Z' } = options;
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const subject = sequence(
    ...options.subject.map(([part, value]) =>
      der(0x31, sequence(oid(nameParts[part]), der(0x0c, Buffer.from(value)))),
    ),
  );
  const names = [
    ...uris.map((name) => der(0x86, Buffer.from(name))),
    ...dns.map((name) => der(0x82, Buffer.from(name))),
    ...ips.map((name) => der(0x87, Buffer.from(name.split('.').map(Number)))),
  ];
  const extensions = [
    extension('551d13', sequence(...(authority ? [der(0x01, Buffer.from([0xff]))] : [])), true),
    ...(authority
      ? []
      : [extension('551d25', sequence(oid(usage === 'client' ? '2b06010505070302' : '2b06010505070301')))]),
    ...(names.length === 0 ? [] : [extension('551d11', sequence(...names))]),
  ];
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ecdsaWithSha256,
    issuer?.subject ?? subject,
    sequence(der(0x18, Buffer.from(from)), der(0x18, Buffer.from(to))),
    subject,
    publicKey,
    der(0xa3, sequence(...extensions)),
  );
  const signer: KeyObject = issuer === undefined ? pair.privateKey : createPrivateKey(issuer.key);
  const signature = createSign('sha256').update(body).sign(signer);
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  return { cert: pem(whole), key, subject };
}

/** As tokens name the certificate they are bound to. */
export const thumbprint = ({ cert }: Certificate): string =>
  createHash('sha256')
    .update(Buffer.from(cert.replace(/-----[^-]+-----|\n/g, ''), 'base64'))
    .digest('base64url');
