import { z } from 'zod';
import { bytesOf, size } from '../../bundle/grants/schema.ts';
import { parseSource } from '../source/contract/parseSource.ts';
import { SourceError } from '../source/contract/source.ts';
import { named, onLoopback, secret, secureUrl } from './values.ts';
import { keysProblem } from './verificationKeys.ts';

/** Where bundles come from. */
export const sourceAddress = z
  .string()
  .regex(
    /^(?:git\+(?:file|https?):\/\/[^#\s]+(?:#[^\s#]+)?|https?:\/\/\S+|file:\S+|oci:\/\/\S+|s3:\/\/\S+)$/,
    {
      error:
        'must be git+https://HOST/REPOSITORY#BRANCH, git+file:///PATH#BRANCH (or #BRANCH:FOLDER), https://…, oci://HOST/REPOSITORY:TAG, s3://BUCKET/KEY or file:PATH',
    },
  )
  .refine((value) => !/^(?:git\+)?http:/.test(value) || onLoopback(value.replace(/^git\+/, '')), {
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
export const sourceAccess = {
  registry: z
    .strictObject({
      username: z
        .string()
        .regex(/^[^:\s]+$/, { error: 'must be a name without spaces and colons' })
        .describe('The name to sign in with.'),
      password: secret.describe('What proves it.'),
    })
    .optional()
    .describe('Who we are to a registry (oci).'),
  s3: z
    .strictObject({
      region: z
        .string()
        .regex(/^[a-z0-9-]{1,64}$/, { error: 'must be a region like "eu-central-1"' })
        .describe('The region that requests are signed for.'),
      endpoint: secureUrl
        .refine((value) => !/[?#@]/.test(value), { error: 'must have no query and no credentials' })
        .optional()
        .describe('The address of the store; AWS, when left out.'),
      access_key: secret
        .optional()
        .describe('The key to read with; without one, only what everybody may read.'),
      secret_key: secret.optional().describe('Its secret half.'),
      session_token: secret.optional().describe('The token of temporary keys.'),
      path_style: z
        .boolean()
        .default(false)
        .describe('The bucket stands in the path; else in the name of the host.'),
    })
    .refine(({ access_key, secret_key }) => (access_key === undefined) === (secret_key === undefined), {
      error: 'must have "access_key" and "secret_key", or neither for what everybody may read',
    })
    .optional()
    .describe('Where buckets are (s3), and by which keys they are read.'),
  client_certificate: z
    .strictObject({
      cert: named.describe('The certificate, PEM.'),
      key: named.describe('Its private key, PEM.'),
    })
    .optional()
    .describe('A certificate that the server of the source asks for; read at every connection.'),
  ca: named
    .optional()
    .describe('Who signed the certificate of that server, PEM, in place of the public authorities.'),
  max_bytes: size
    .transform(bytesOf)
    .prefault('1GB')
    .describe('The largest bundle, unpacked; a quarter of it may come over the wire, or 256 MiB.'),
  allowed_signers: named
    .optional()
    .describe(
      'Who may sign commits (git+…), a file as ssh-keygen(1) has it; the tip of the branch must be signed then.',
    ),
};

/** A source and how it is reached, as configured. */
export type SourceAccess = z.output<typeof accessShape>;
const accessShape = z.object({
  source: z.string(),
  key: z.string().optional(),
  keys: z.record(z.string(), z.string()).optional(),
  token: secret.optional(),
  ...sourceAccess,
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
