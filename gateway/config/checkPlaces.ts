import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { ConfigError, readSecret } from './config.ts';
import type { GatewayConfig } from './gatewayConfig.ts';
import { nearestFolder } from './nearestFolder.ts';
import { readSourceAccess, readVerifyKeyTexts } from './readSource.ts';

/**
 * Before a start (`make`): makes the folders that a configuration names. Else: looks, without changing anything, whether
 * it could be started with: folders that can be written to, secrets, keys and certificates that can be read. Throws ConfigError that names every setting at fault.
 */
export function checkPlaces(config: GatewayConfig, env: NodeJS.ProcessEnv, make: boolean): void {
  const { state, decisions, listen, assertion, bundle } = config;
  const problems: string[] = [];
  const attempt = (setting: string, look: () => unknown) => {
    try {
      look();
    } catch (error) {
      const reason = messageOf(error);
      problems.push(`"${setting}": ${reason}`);
    }
  };
  const folders = { state, 'decisions.folder': decisions.folder, 'decisions.usage': decisions.usage };
  for (const [setting, folder] of Object.entries(folders)) attempt(setting, () => writable(folder, make));
  const { access, access_file } = config.log;
  if (access !== 'off' && access_file !== undefined)
    attempt('log.access_file', () => {
      writable(dirname(access_file), make);
      if (statSync(access_file, { throwIfNoEntry: false })?.isDirectory() === true)
        throw new Error(`${access_file} is a folder: name a file in it`);
    });
  if (!make) readAll();
  if (problems.length > 0) throw new ConfigError(problems);

  function readAll() {
    const secrets = {
      'admin.token': config.admin.token,
      'bundle.token': bundle.token,
      'bundle.shadow.token': bundle.shadow?.token,
      'webhook.secret': config.webhook?.secret,
      'introspection.client_secret': config.introspection?.client_secret,
      'limits.store_password': config.limits.store_password,
    };
    for (const [setting, secret] of Object.entries(secrets))
      if (secret !== undefined) attempt(setting, () => readSecret(secret, env));
    for (const [setting, part] of Object.entries({ bundle, 'bundle.shadow': bundle.shadow }))
      if (part !== undefined) {
        attempt(setting, () => readVerifyKeyTexts(part, env));
        attempt(setting, () => readSourceAccess(part, env));
        const { ca, allowed_signers, client_certificate: own } = part;
        const files = {
          ...{ ca, allowed_signers },
          ...{ 'client_certificate.cert': own?.cert, 'client_certificate.key': own?.key },
        };
        for (const [key, file] of Object.entries(files)) readable(`${setting}.${key}`, file);
      }
    for (const [key, file] of Object.entries(listen.tls ?? {})) readable(`listen.tls.${key}`, file);
    readable('assertion.key', assertion.key);
  }

  function readable(setting: string, file: string | undefined) {
    if (file !== undefined) attempt(setting, () => readSecret({ file }, env));
  }
}

/** Throws when nothing can be written to a folder, or it could not be made. */
function writable(folder: string, make: boolean): void {
  try {
    if (make) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const there = make ? folder : nearestFolder(folder);
    if (!statSync(there).isDirectory()) throw new Error(`${there} is no folder`);
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new Error(
      `${folder} cannot be written to${code}: make it a folder of the user that runs this, or name another`,
      { cause: error },
    );
  }
}
