import { Refusal } from '../http/refusal.ts';
import type { Snapshot } from '../revision/snapshot.ts';

export const bodyTooLarge = () => new Refusal(413, 'body-too-large', 'The body is too large.');

/** The most bytes that the body of a request to an API may have; `otherwise` where the API says nothing. */
export const mostBytes = ({ apis }: Pick<Snapshot, 'apis'>, api: string, otherwise: number): number =>
  apis.get(api)?.body ?? otherwise;
