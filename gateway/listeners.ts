import type { Server } from 'node:http';
import type { DecisionPoint } from './decisionPoint/decisionPoint.ts';
import { listen, urlOf } from './http/listen.ts';

type Options = {
  server: Server;
  decisionPoint: Pick<DecisionPoint, 'start' | 'url'>;
  at: { host: string; port: number };
  onError: (error: Error) => void;
  isClosing: () => boolean;
};

/** The listeners of those who call and of those who ask; opened once, and never when the gateway is closing. */
export function createListeners({ server, decisionPoint, at, onError, isClosing }: Options) {
  let opening: Promise<void> | null = null;
  const openAll = async () => {
    if (isClosing()) return;
    await listen(server, at, onError, 'listen');
    await decisionPoint.start(onError);
  };
  /** Where they are; empty and null while they are closed. */
  const urls = () =>
    server.listening
      ? { url: urlOf(server), decisionPoint: decisionPoint.url() }
      : { url: '', decisionPoint: null };
  return {
    urls,
    async open() {
      opening ??= openAll();
      await opening;
      return urls();
    },
  };
}
