import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isLoopback } from '../../../bundle/format/isLoopback.ts';
import { dayMs, durationForm, durationMs } from '../../../bundle/format/times.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { readChecked } from '../../../bundle/yaml/readFile.ts';
import { isFilter } from './ldapConnection.ts';
import { SyncError } from './syncError.ts';

const text = z.string().trim().min(1, { error: 'must not be empty' }).max(500);
const secret = z
  .strictObject({
    env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable' }),
  })
  .describe('The environment variable that holds it; a secret never stands in the file.');

const address = z.url({ protocol: /^https?$/, error: 'must be an https address' }).refine(
  (value) => {
    const url = URL.parse(value);
    if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
      return false;
    return url.protocol === 'https:' || isLoopback(url.hostname);
  },
  { error: 'must be an https address without credentials or query (http only on loopback)' },
);

const patterns = z.array(text).min(1, { error: 'must name at least one' });
const taken = {
  provider: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'must be a name like "okta"' })
    .refine((name) => name !== 'services', { error: 'must not be "services", which is kept by hand' })
    .describe('The file that is written: grants/directory/PROVIDER.yaml.'),
  groups: z
    .strictObject({
      include: patterns.default(['*']).describe('Names of groups; `*` stands for any run of characters.'),
      exclude: z.array(text).default([]).describe('Names that are left out again.'),
    })
    .prefault({})
    .describe('Which groups are taken; the others never enter the repository.'),
  people: z
    .enum(['all', 'members'])
    .default('all')
    .describe('All people, or those in a group that is taken, their managers, and whom the file had before.'),
  merge_removals: z
    .boolean()
    .default(false)
    .describe('Merge a proposal by itself when nobody gains any access by it; nothing else ever merges so.'),
  shrink: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('The share of people that may be missing from one read to the next; more is refused.'),
};

const okta = z.strictObject({
  kind: z.literal('okta'),
  ...taken,
  url: address.describe('https://ORGANISATION.okta.com'),
  token: secret.optional().describe('An API token of a read-only administrator.'),
  client: z
    .strictObject({ id: text, key: secret.describe('The private key, PEM or JWK.') })
    .optional()
    .describe(
      'A service app with okta.users.read and okta.groups.read, by private-key JWT; instead of a token.',
    ),
});

const entra = z.strictObject({
  kind: z.literal('entra'),
  ...taken,
  tenant: text,
  client: z.strictObject({ id: text, secret }),
  url: address.default('https://graph.microsoft.com').describe('Microsoft Graph, of a national cloud also.'),
  authority: address.default('https://login.microsoftonline.com'),
  login: z.enum(['userPrincipalName', 'mail']).default('userPrincipalName'),
  sign_in: z
    .boolean()
    .default(true)
    .describe('Read the last sign-in, which needs AuditLog.Read.All and a premium licence.'),
});

const github = z.strictObject({
  kind: z.literal('github'),
  ...taken,
  url: address
    .default('https://api.github.com')
    .describe('The REST API; https://HOST/api/v3 for Enterprise Server.'),
  organisation: text,
  token: secret.describe('members: read.'),
});

const scim = z.strictObject({
  kind: z.literal('scim'),
  ...taken,
  url: address.describe('The base address, to which /Users and /Groups are added.'),
  token: secret,
});

const csv = z.strictObject({
  kind: z.literal('csv'),
  ...taken,
  people_file: text.describe('Columns login, id, status, manager, last_sign_in; the first two are needed.'),
  groups_file: text.optional().describe('Columns group and member, a row each: a login, or `group:NAME`.'),
});

const filter = text.refine(isFilter, { error: 'must be a filter of LDAP, like "(objectClass=person)"' });
const attribute = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, { error: 'must be the name of an attribute' });

const ldap = z.strictObject({
  kind: z.literal('ldap'),
  ...taken,
  url: z
    .url({ protocol: /^ldaps?$/, error: 'must be an ldaps address' })
    .refine((value) => /^ldaps?:\/\/[^/?#@]+\/?$/i.test(value), { error: 'must hold a host and a port only' })
    .describe('ldaps://HOST; or ldap://HOST with start_tls.'),
  start_tls: z.boolean().default(false).describe('Encrypt an ldap:// connection before anything is said.'),
  bind: z.strictObject({ dn: text, password: secret }).describe('Who asks; it needs to read only.'),
  id: attribute
    .default('entryUUID')
    .describe('What never changes: entryUUID, objectGUID in Active Directory, nsUniqueId in 389.'),
  login: attribute
    .default('mail')
    .describe('What people are called in tokens; userPrincipalName in Active Directory.'),
  people_base: text.describe('Where people are, with all below it.'),
  people_filter: filter
    .default('(objectClass=inetOrgPerson)')
    .describe(
      'Which entries are people; "(&(objectCategory=person)(objectClass=user))" in Active Directory.',
    ),
  groups_base: text,
  groups_filter: filter
    .default('(objectClass=groupOfNames)')
    .describe('Which entries are groups; "(objectClass=group)" in Active Directory.'),
  group_name: attribute.default('cn'),
  member: attribute
    .default('member')
    .describe('What lists the members of a group, by their distinguished names.'),
});

const entry = z.discriminatedUnion('kind', [okta, entra, github, scim, ldap, csv]);

/** sync.yaml, beside grants/. */
export const syncFile = z.strictObject({
  providers: z.array(entry).min(1, { error: 'must name at least one' }),
  state: text
    .optional()
    .describe(
      'A folder, seen from here, for what the next sync may go on from; without it everything is read each time.',
    ),
  full_every: z
    .string()
    .regex(durationForm, { error: 'must be a time like "7d"' })
    .refine((value) => (durationMs(value) ?? 0) <= 30 * dayMs, { error: 'must be at most "30d"' })
    .default('7d')
    .describe('How long changes may be followed, where a state is kept, before everything is read again.'),
});

export type SyncConfig = {
  providers: readonly ProviderConfig[];
  /** As it is written. */
  state: string | null;
  /** Milliseconds. */
  fullEveryMs: number;
};

export type ProviderConfig = z.output<typeof entry>;
export type ProviderConfigOf<K extends ProviderConfig['kind']> = Extract<ProviderConfig, { kind: K }>;

/** A password goes over this connection. */
function assertEncrypted(one: ProviderConfig, path: string): void {
  if (one.kind !== 'ldap') return;
  const { protocol, hostname } = new URL(one.url);
  if (protocol === 'ldaps:' && one.start_tls)
    throw new SyncError(
      'sync-config',
      `${path}: ${one.provider} has "start_tls" on a connection that is encrypted`,
    );
  if (protocol === 'ldap:' && !one.start_tls && !isLoopback(hostname))
    throw new SyncError(
      'sync-config',
      `${path}: ${one.provider} needs an ldaps address, or "start_tls" (neither only on loopback)`,
    );
}

/** Reads sync.yaml. Throws SyncError `sync-config` with every problem and its place. */
export function readSyncConfig(path: string): SyncConfig {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new SyncError('sync-config', `${path} cannot be read; it says which providers to sync`, { cause });
  }
  const { value, problems } = readChecked(syncFile, bytes, path, { hideValues: true });
  const twice = value?.providers.find(
    ({ provider }, index) => value.providers.findIndex((other) => other.provider === provider) !== index,
  );
  if (value === undefined) throw new SyncError('sync-config', problems.map(formatProblem).join('\n'));
  if (twice !== undefined)
    throw new SyncError('sync-config', `${path}: two providers would write ${twice.provider}.yaml`);
  for (const one of value.providers) assertEncrypted(one, path);
  for (const one of value.providers)
    if (one.kind === 'okta' && (one.token === undefined) === (one.client === undefined))
      throw new SyncError('sync-config', `${path}: ${one.provider} needs either "token" or "client"`);
  const { providers, state = null, full_every: fullEveryMs } = value;
  return { providers, state, fullEveryMs: durationMs(fullEveryMs) ?? 0 };
}

/** The secret in an environment variable. Throws SyncError `sync-config` when it is not set. */
export function readSecret({ env: name }: { env: string }, env: NodeJS.ProcessEnv): string {
  const value = env[name]?.trim();
  if (!value) throw new SyncError('sync-config', `the environment variable ${name} is not set`);
  return value;
}
