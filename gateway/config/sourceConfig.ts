import { z } from 'zod';
import { isLoopback } from '../source/contract/isLoopback.ts';
import { parseSource } from '../source/contract/parseSource.ts';
import { SourceError } from '../source/contract/source.ts';
import { keysProblem } from './verificationKeys.ts';

type Secret = { env: string } | { file: string };

const loopbackUrl = (value: string) => isLoopback(URL.parse(value)?.hostname ?? '');

/** https, or http on loopback. */
export const secureUrl = z
  .url({ protocol: /^https?$/ })
  .refine((value) => value.startsWith('https:') || loopbackUrl(value), {
    error: 'must be https (http only on loopback)',
  });

/** Where bundles come from. */
export const sourceAddress = z
  .string()
  .regex(
    /^(?:git\+(?:file|https?):\/\/[^#\s]+(?:#[^\s#]+)?|https?:\/\/\S+|file:\S+|oci:\/\/\S+|s3:\/\/\S+)$/,
    {
      error:
        'must be git+https://HOST/REPOSITORY#BRANCH, git+file:///PATH#BRANCH, https://…, oci://HOST/REPOSITORY:TAG, s3://BUCKET/KEY or file:PATH',
    },
  )
  .refine((value) => !/^(?:git\+)?http:/.test(value) || loopbackUrl(value.replace(/^git\+/, '')), {
    error: 'must be https (http only on loopback)',
  })
  .superRefine((value, context) => {
    if (!/^(?:oci|s3):/.test(value)) return;
    try {
      parseSource(value);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      context.addIssue({ code: 'custom', message: `is no address of a bundle: ${error.message}` });
    }
  });

/** How a source is reached, for those that need more than an address and a token. */
export const sourceAccess = (secret: z.ZodType<Secret, Secret>) => ({
  registry: z.strictObject({ username: z.string().regex(/^[^:\s]+$/), password: secret }).optional(),
  s3: z
    .strictObject({
      region: z.string().regex(/^[a-z0-9-]{1,64}$/, { error: 'must be a region like "eu-central-1"' }),
      endpoint: secureUrl
        .refine((value) => !/[?#@]/.test(value), { error: 'must have no query and no credentials' })
        .optional(),
      access_key: secret.optional(),
      secret_key: secret.optional(),
      session_token: secret.optional(),
      path_style: z.boolean().default(false),
    })
    .refine(({ access_key, secret_key }) => (access_key === undefined) === (secret_key === undefined), {
      error: 'must have "access_key" and "secret_key", or neither for what everybody may read',
    })
    .optional(),
  client_certificate: z.strictObject({ cert: z.string().min(1), key: z.string().min(1) }).optional(),
  ca: z.string().min(1).optional(),
  allowed_signers: z.string().min(1).optional(),
});

/** A source and how it is reached, as configured. */
export type SourceAccess = z.output<ReturnType<typeof accessShape>>;
const accessShape = (secret: z.ZodType<Secret, Secret>) =>
  z.object({
    source: z.string(),
    key: z.string().optional(),
    keys: z.record(z.string(), z.string()).optional(),
    token: secret.optional(),
    ...sourceAccess(secret),
  });

/** What is wrong about the keys of a source together; `refuse` is told where. */
export function sourceProblems(
  { source, key, keys, token, registry, s3, allowed_signers }: SourceAccess,
  refuse: (path: string, message: string) => void,
): void {
  const fromGit = source.startsWith('git+');
  const problem = keysProblem({ source, key, keys });
  if (problem !== null) refuse(problem.path, problem.message);
  if (!fromGit && allowed_signers !== undefined)
    refuse('allowed_signers', 'is for commits: a bundle from anywhere but Git has a "key"');
  if (source.startsWith('oci:') && token !== undefined && registry !== undefined)
    refuse('registry', 'is one way to say who we are, "token" another: one of them is enough');
  if (source.startsWith('s3:') && s3 === undefined) refuse('s3', 'is needed: it says where the bucket is');
}

/** The same with its files as absolute paths. */
export function sourcePaths<Access extends SourceAccess>(
  access: Access,
  at: (name: string) => string,
): Access {
  const { source, key, keys, client_certificate, ca, allowed_signers } = access;
  const files = Object.entries(keys ?? {}).map(([id, file]) => [id, at(file)] as const);
  return {
    ...access,
    source: source.replace(/^file:(?!\/)(.*)$/, (_, name: string) => `file:${at(name)}`),
    ...(key === undefined ? {} : { key: at(key) }),
    ...(keys === undefined ? {} : { keys: Object.fromEntries(files) }),
    ...(ca === undefined ? {} : { ca: at(ca) }),
    ...(allowed_signers === undefined ? {} : { allowed_signers: at(allowed_signers) }),
    ...(client_certificate === undefined
      ? {}
      : { client_certificate: { cert: at(client_certificate.cert), key: at(client_certificate.key) } }),
  };
}
