import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConfigError, type GatewayConfig } from '../config/config.ts';
import { type Access, accessLine } from './accessLine.ts';

/** One request in the access log. */
export type Noted = {
  /** What was found out of it. */
  decided: (facts: Pick<Access, 'subject' | 'api' | 'operation' | 'decisionId'>) => void;
  /** It is over; `status` where no answer tells it. */
  end: (status?: number) => void;
};

export type AccessLog = {
  /** Takes note of a request; null when no access log is kept. `answer` is null for one that may be upgraded. */
  begin: (request: IncomingMessage, answer: ServerResponse | null, address: string) => Noted | null;
  /** Opens its file anew: somebody has renamed the one that is written to. */
  reopen: () => void;
  /** Opens what another configuration names; the result writes there from now on. Throws ConfigError. */
  prepare: (config: Config) => () => void;
  /** Writes what is left. */
  close: () => void;
};

type Config = Pick<GatewayConfig['log'], 'access' | 'access_file'>;
type Output = { write: (text: string) => unknown; readonly writableLength?: number };
type Options = {
  config: Config;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Lines were lost. */
  onFailure: (error: unknown, lines: number) => void;
  /** Where lines go without a file. */
  output?: Output;
};

/** Bytes that wait for whoever reads standard output; beyond, lines are lost: requests never wait. */
const mostWaiting = 4 * 2 ** 20;

/** Writes the access log, all lines of one event-loop turn at once. Throws ConfigError when its file cannot be written. */
export function openAccessLog({ config, now, onFailure, output = process.stdout }: Options): AccessLog {
  let { access: format } = config;
  let file = openFile(config);
  let lines: string[] = [];
  const flush = () => {
    const taken = lines;
    lines = [];
    if (taken.length === 0) return;
    try {
      const text = taken.join('');
      if (file !== null) writeWhole(file, text);
      else if ((output.writableLength ?? 0) > mostWaiting) throw new Error('nobody reads standard output');
      else output.write(text);
    } catch (error) {
      onFailure(error, taken.length);
    }
  };
  const write = (access: Access) => {
    if (format === 'off') return;
    if (lines.length === 0) setImmediate(flush);
    lines.push(accessLine(access, format));
  };
  const use = (next: typeof file) => {
    flush();
    if (file !== null) closeSync(file.fd);
    file = next;
  };
  return {
    begin(request, answer, address) {
      if (format === 'off') return null;
      const atMs = now();
      const beganMs = performance.now();
      const bytes = answer === null ? countSent(request) : countWritten(request, answer);
      const { method = '', url: target = '', httpVersion: version, headers } = request;
      const { referer, 'user-agent': userAgent } = headers;
      let facts: Parameters<Noted['decided']>[0] = {
        subject: null,
        api: null,
        operation: null,
        decisionId: null,
      };
      return {
        decided: (found) => {
          facts = found;
        },
        end: (status = answer?.headersSent === true ? answer.statusCode : 499) =>
          write({
            ...{ atMs, address, method, target, version, status, referer, userAgent, ...facts },
            bytes: bytes(),
            milliseconds: performance.now() - beganMs,
          }),
      };
    },
    reopen() {
      if (file === null) return;
      try {
        use(openFile({ access: 'json', access_file: file.path }));
      } catch (error) {
        onFailure(error, 0);
      }
    },
    prepare(next) {
      const opened = openFile(next);
      return () => {
        use(opened);
        format = next.access;
      };
    },
    close() {
      use(null);
      format = 'off';
    },
  };
}

/** Where a pipe stands in place of the file, nobody waits for whoever reads it. */
const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
const appending = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;

/** `torn`: what was written last is not all of a line. */
type File = { fd: number; path: string; torn: boolean };

function openFile({ access, access_file: path }: Config): File | null {
  if (access === 'off' || path === undefined) return null;
  try {
    return { fd: openSync(path, appending, 0o640), path, torn: false };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new ConfigError([`"log.access_file": ${path} cannot be written to${code}`]);
  }
}

function writeWhole(file: File, text: string): void {
  // The rest of a line is lost: the next one must not go on in its place.
  const bytes = Buffer.from(file.torn ? `\n${text}` : text);
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file.fd, bytes, done);
    file.torn = bytes[done - 1] !== 0x0a;
  }
}

/** Counts the bytes of an answer's body. */
function countWritten({ method }: IncomingMessage, answer: ServerResponse): () => number {
  let count = 0;
  const counted = <Method extends ServerResponse['write'] | ServerResponse['end']>(call: Method): Method =>
    ((...given: unknown[]) => {
      const [chunk, encoding] = given;
      if (typeof chunk === 'string')
        count += Buffer.byteLength(
          chunk,
          typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8',
        );
      else if (chunk instanceof Uint8Array) count += chunk.byteLength;
      return Reflect.apply(call, answer, given);
    }) as Method;
  answer.write = counted(answer.write);
  answer.end = counted(answer.end);
  return () => (method === 'HEAD' || answer.statusCode === 204 || answer.statusCode === 304 ? 0 : count);
}

/** Of a connection that is handed over, all that goes out counts. */
function countSent({ socket }: IncomingMessage): () => number {
  const before = socket.bytesWritten;
  return () => socket.bytesWritten - before;
}
