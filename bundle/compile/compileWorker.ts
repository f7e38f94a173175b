// A thread that compiles access files for compilePool.ts.
import { parentPort } from 'node:worker_threads';
import { type ApiScope, compileAccess } from './compileAccess.ts';
import { encodeFragment } from './fragment.ts';

export type CompileRequest = { id: number; bytes: ArrayBuffer; file: string; scope: ApiScope };
export type CompileReply = { id: number; fragment: ArrayBuffer; refused: boolean };

const port = parentPort;
if (port === null) throw new Error('compileWorker.ts runs as a worker thread');
port.on('message', ({ id, bytes, file, scope }: CompileRequest) => {
  const { fragment, refused } = compileAccess(Buffer.from(bytes), file, scope);
  const encoded = new Uint8Array(encodeFragment(fragment)).buffer;
  port.postMessage({ id, fragment: encoded, refused } satisfies CompileReply, [encoded]);
});
