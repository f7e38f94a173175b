import type { Organisation } from '../../../bundle/grants/organisation.ts';
import type { Forge, ForgeComment } from '../../forge/forge.ts';
import { type Commenter, principalOf } from './permission.ts';

type Given = {
  forge: Pick<Forge, 'mayWrite'>;
  organisation: Organisation;
  /** Whom the review has asked in the place of others. */
  asked: ReadonlySet<string>;
};

/** Who wrote a comment, and what they may. Throws ForgeError. */
export const commenterOf = async (
  { author: login }: Pick<ForgeComment, 'author'>,
  { forge, organisation, asked }: Given,
): Promise<Commenter> => ({
  login,
  principal: principalOf(login, organisation),
  mayWrite: await forge.mayWrite(login),
  isAsked: asked.has(login.toLowerCase()),
});
