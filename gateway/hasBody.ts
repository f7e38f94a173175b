import type { IncomingMessage } from 'node:http';

/** Whether a request has a body: it tells a length above zero, or none but that there is one. */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
