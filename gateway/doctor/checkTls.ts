import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dayMs, toTheMinute } from '../../bundle/format/times.ts';
import { ConfigError, type GatewayConfig } from '../config/config.ts';
import { openTls } from '../http/tls.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const form = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Certificates that callers and the bundle's server get to see: read as serving reads them, and not over. */
export function checkTls(config: GatewayConfig, nowMs: number): Finding[] {
  const { tls } = config.listen;
  const { client_certificate, ca } = config.bundle;
  const files = {
    'listen.tls.cert': tls?.cert,
    'listen.tls.client_ca': tls?.client_ca,
    'bundle.client_certificate.cert': client_certificate?.cert,
    'bundle.ca': ca,
  };
  return [
    ...served(config),
    ...Object.entries(files).flatMap(([setting, file]) =>
      file === undefined ? [] : validity(setting, file, nowMs),
    ),
  ];
}

function served(config: GatewayConfig): Finding[] {
  if (config.listen.tls === undefined) return [];
  try {
    openTls(config, () => undefined);
    return [ok('listen.tls', 'certificate and key belong together')];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [
      problem('listen.tls', error.message, 'name a certificate and its key, PEM, that this user can read'),
    ];
  }
}

function validity(setting: string, file: string, nowMs: number): Finding[] {
  let pems: string[];
  try {
    pems = readFileSync(file, 'utf8').match(form) ?? [];
  } catch {
    return [problem(setting, `${file} cannot be read`, 'name a file that this user can read')];
  }
  if (pems.length === 0)
    return [problem(setting, `${file} holds no certificate`, 'name a PEM file that does')];
  const renew = 'renew it; a gateway that runs takes new files within a minute';
  let soonest: { name: string; endsMs: number } | null = null;
  for (const pem of pems) {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(pem);
    } catch {
      return [
        problem(
          setting,
          `${file} holds a certificate that cannot be read`,
          'name a PEM file of X.509 certificates',
        ),
      ];
    }
    const name = certificate.subject.replaceAll('\n', ', ');
    const [beginsMs, endsMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    if (beginsMs > nowMs)
      return [
        problem(
          setting,
          `${name} is not valid before ${toTheMinute(beginsMs / 1000)}`,
          'see that the clock of this machine is right',
        ),
      ];
    if (endsMs <= nowMs)
      return [problem(setting, `${name} has ended at ${toTheMinute(endsMs / 1000)}`, renew)];
    if (soonest === null || endsMs < soonest.endsMs) soonest = { name, endsMs };
  }
  if (soonest === null) return [];
  const message = `${soonest.name} holds until ${toTheMinute(soonest.endsMs / 1000)}`;
  return [soonest.endsMs - nowMs < 14 * dayMs ? warning(setting, message, renew) : ok(setting, message)];
}
