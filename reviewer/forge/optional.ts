import { ForgeError } from './forgeError.ts';

/** Does what is good to have: a token that may not, or a name that the forge does not know, is no failure. */
export async function optional(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (
      error instanceof ForgeError &&
      (error.code === 'forge-forbidden' || error.code === 'forge-not-found' || error.code === 'forge-refused')
    )
      return false;
    throw error;
  }
}
