import type { IncomingMessage } from 'node:http';
import { readCapped } from '../../bundle/format/readCapped.ts';
import { Refusal } from './refusal.ts';

/** The whole body of a request. Throws Refusal 413 when it is larger than `most` bytes, 400 when it ends before its time. */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  // Left early it stays open: to destroy the connection would take the answer along that says why.
  const body = await readCapped(request.iterator({ destroyOnReturn: false }), most).catch(() => {
    throw new Refusal(400, 'body-incomplete', 'The body did not come whole.');
  });
  if (body === null) throw new Refusal(413, 'body-too-large', 'The body is too large.');
  return body;
}

/** Whether a request has a body: it tells a length above zero, or none but that there is one. */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
