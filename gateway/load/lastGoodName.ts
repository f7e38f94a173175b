import type { Source } from '../source/contract/source.ts';
import type { SourceConfig } from '../source/openSource.ts';

/**
 * The name under which a source's releases are kept. What was kept before signers were demanded was never held to them: it
 * counts as another source's.
 */
export const lastGoodName = ({ name }: Pick<Source, 'name'>, { allowedSigners }: SourceConfig): string =>
  allowedSigners === undefined ? name : `${name} (signed commits)`;
