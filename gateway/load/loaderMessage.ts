import type { PostedSnapshot } from '../revision/snapshot.ts';
import type { PostedError } from './loadError.ts';

/** What a loader says to the serving thread. */
export type LoaderMessage =
  | { kind: 'attempt' }
  | ({ kind: 'loaded'; seq: number; snapshot: PostedSnapshot } & Offered)
  | {
      kind: 'done';
      outcome: 'changed' | 'unchanged' | 'failed';
      error: PostedError | null;
      waiters: number[];
      ms: number;
    }
  /** Whether the bundle in force is kept for the next start; told when it is not, and once it is again. */
  | { kind: 'kept'; error: PostedError | null }
  | { kind: 'note'; code: string; message: string };

/** How a bundle is offered. A verdict is wanted before anything else happens. */
export type Offered = {
  origin: 'source' | 'last-good';
  /** It is meant, however much it takes away. */
  assured: boolean;
  /** And that it is older than the one in force. */
  backwards: boolean;
  /** How long ago the source said that this is its newest; null when nobody knows. */
  confirmedMsAgo: number | null;
};
