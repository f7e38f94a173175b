import { answer } from './answer.ts';
import type { Peer } from './world.ts';

/** Credentials that must be told apart: of a caller, of somebody without a grant, and one whose signature is another's. */
export type Credentials = { caller: string; stranger: string; forged: string };

/** Throws when a peer does not do what it is measured for; one that decides nothing only has to pass bytes on. */
export async function assertGate(
  { name, url }: Peer,
  { caller, stranger, forged }: Credentials,
  decides: boolean,
): Promise<void> {
  const ask = async (what: string, token: string | null, method = 'GET', path = '/bench/v1/items') => {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}${path}`, { method, headers });
    return { what, status: response.status, body: await response.text() };
  };
  const granted = await ask('who may', caller);
  if (granted.status !== 200 || granted.body !== answer)
    throw new Error(`${name} answers ${granted.status} to who may: ${granted.body.slice(0, 200)}`);
  if (!decides) return;
  const refused = [
    await ask('a stranger', stranger),
    await ask('an operation that is not granted', caller, 'DELETE', '/bench/v1/items/1'),
    await ask('no token', null),
    await ask('a forged token', forged),
    // Whoever has been let in once must still be told apart from those who have not.
    await ask('a stranger, again', stranger),
  ];
  for (const { what, status } of refused)
    if (status < 400) throw new Error(`${name} answers ${status} to ${what}: it does not decide`);
}
