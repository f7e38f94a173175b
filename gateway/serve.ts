import { steadyHeap } from './memory/steadyHeap.ts';
import { type Options, openCollaborators } from './openCollaborators.ts';
import { type Gateway, run } from './run.ts';
import { wire } from './wire.ts';

export type { Gateway } from './run.ts';

/**
 * Starts the gateway. It listens at once, unless it is a worker, and answers 503 until a bundle is in force. Throws
 * ConfigError when a secret is missing or a port is taken, and RecordError when the decision log cannot be opened.
 */
export async function serve(options: Options): Promise<Gateway> {
  steadyHeap();
  const collaborators = await openCollaborators(options);
  return run(collaborators, wire(collaborators));
}
