import { z } from 'zod';
import type { ImageAddress } from '../contract/parseImage.ts';
import { SourceError } from '../contract/source.ts';
import type { Answer, Authorize, Outgoing, Server } from '../transport/openServer.ts';
import { readAnswer, refusalOf } from '../transport/readAnswer.ts';
import { type Challenge, readChallenge } from './readChallenge.ts';

/** Who we are to a registry: by name, or by a token that it takes as it is. */
export type RegistryCredentials = { username: string; password: string } | { token: string };

export type Registry = {
  /** The address of the repository, which the registry's own relative addresses start from. */
  readonly base: string;
  /**
   * Asks for a `path` below the repository (`manifests/main`) or for an address that the registry gave, and signs in
   * where that is asked for. The answer may still be a refusal. Throws what {@link Server} throws.
   */
  ask(
    request: Omit<Outgoing, 'url' | 'headers'> & {
      path: string;
      headers?: Record<string, string>;
      signal: AbortSignal;
    },
  ): Promise<Answer>;
};

type Options = {
  server: Server;
  image: ImageAddress;
  credentials: RegistryCredentials | null;
  actions: 'pull' | 'pull,push';
  now?: () => number;
};

const tokenShape = z
  .object({
    token: z.string().min(1).optional(),
    access_token: z.string().min(1).optional(),
    expires_in: z.number().positive().optional(),
  })
  .transform(({ token, access_token, expires_in = 60 }) => ({ token: token ?? access_token, expires_in }));

/**
 * One repository of a registry, with the token flow of the distribution specification: what is refused is asked again
 * with what the challenge wants. A password goes to the registry and to the giver of tokens it names, and to that one
 * only if it is at home there or at an allowed origin; neither it nor a token follows a redirect elsewhere.
 */
export function openRegistry({ server, image, credentials, actions, now = Date.now }: Options): Registry {
  const repository = `${image.origin}/v2/${image.repository}/`;
  let proof: { authorization: string; untilMs: number } | null =
    credentials !== null && 'token' in credentials
      ? { authorization: `Bearer ${credentials.token}`, untilMs: Number.POSITIVE_INFINITY }
      : null;
  const basic =
    credentials !== null && 'password' in credentials
      ? `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
      : null;

  const signIn = async (challenge: Challenge, signal: AbortSignal): Promise<typeof proof> => {
    if (challenge.scheme === 'basic')
      return basic === null ? null : { authorization: basic, untilMs: Number.POSITIVE_INFINITY };
    const url = URL.parse(challenge.realm);
    if (url === null) throw new SourceError('source-answer', 'the registry names no address for tokens');
    if (challenge.service !== null) url.searchParams.set('service', challenge.service);
    url.searchParams.set('scope', challenge.scope ?? `repository:${image.repository}:${actions}`);
    // Without a name of ours the token is one for everybody, as public repositories want it.
    const authorize: Authorize | undefined = basic === null ? undefined : () => ({ authorization: basic });
    const response = await server.ask({ url: url.href, headers: {}, signal, authorize });
    if (response.statusCode !== 200) throw await refusalOf(response);
    const given = tokenShape.safeParse(parse(await readAnswer(response, 262_144)));
    if (!given.success || given.data.token === undefined)
      throw new SourceError('source-answer', 'the registry gives no token');
    // A little early, so that it does not end on its way.
    const lasts = Math.min(given.data.expires_in, 3600) * 1000 * 0.8;
    return { authorization: `Bearer ${given.data.token}`, untilMs: now() + lasts };
  };

  return {
    base: repository,
    async ask({ path, headers = {}, ...rest }) {
      const url = new URL(path, repository).href;
      const send = () => {
        const current = proof !== null && now() < proof.untilMs ? proof.authorization : null;
        const authorize: Authorize | undefined =
          current === null || new URL(url).origin !== image.origin
            ? undefined
            : () => ({ authorization: current });
        return server.ask({ ...rest, url, headers, authorize });
      };
      const first = await send();
      // What another origin answers is no challenge of the registry, and a given token is all there is.
      if (first.statusCode !== 401 || !first.atHome || (credentials !== null && 'token' in credentials))
        return first;
      const challenge = readChallenge(first.headers['www-authenticate']);
      if (challenge === null) return first;
      await first.body.dump();
      const next = await signIn(challenge, rest.signal);
      if (next === null) return first;
      proof = next;
      return send();
    },
  };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return null;
  }
}
