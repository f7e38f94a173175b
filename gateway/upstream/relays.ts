import type { Duplex } from 'node:stream';
import type { ProxyServer } from 'http-proxy-3';

/** The WebSockets whose two sides are joined. */
export type Relays = {
  /**
   * Ends both sides. The caller gets the frame if what it got so far ends with a whole frame; in the middle of one it
   * would be read as that one's bytes, so then the connection just ends (which a caller sees as code 1006).
   */
  end(socket: Duplex, frame: Buffer): void;
};

/** Follows the connections that the proxy joins. */
export function createRelays(proxy: Pick<ProxyServer, 'on'>): Relays {
  const joined = new WeakMap<Duplex, { upstream: Duplex; frames: Frames }>();
  proxy.on('proxyReqWs', (handshake, _request, socket) => {
    // After the proxy's own listener: one for data that comes before its pipe would take the first bytes away.
    queueMicrotask(() =>
      handshake.once('upgrade', (_answer, upstream) => {
        const frames = followFrames();
        upstream.on('data', frames.take);
        joined.set(socket, { upstream, frames });
      }),
    );
  });
  return {
    end(socket, frame) {
      const relay = joined.get(socket);
      if (relay === undefined) {
        // No WebSocket yet: a frame would be read as an answer.
        socket.destroy();
        return;
      }
      const { upstream, frames } = relay;
      upstream.unpipe(socket);
      socket.unpipe(upstream);
      upstream.destroy();
      if (frames.between()) socket.end(frame);
      else socket.end();
      // Its answer is read and dropped, so that the connection can end.
      socket.resume();
      setTimeout(() => socket.destroy(), 500).unref();
    },
  };
}

export type Frames = {
  take: (chunk: Buffer) => void;
  /** Whether the bytes so far end with a whole frame. */
  between: () => boolean;
};

/** Tells where frames end (RFC 6455, 5.2) by their headers only; payloads are skipped, not looked at. */
export function followFrames(): Frames {
  const header = Buffer.alloc(14);
  let have = 0;
  let rest = 0;
  return {
    take(chunk) {
      for (let at = 0; at < chunk.length; ) {
        if (rest > 0) {
          const step = Math.min(rest, chunk.length - at);
          rest -= step;
          at += step;
          continue;
        }
        header[have] = chunk[at] ?? 0;
        have += 1;
        at += 1;
        if (have < 2) continue;
        const second = header[1] ?? 0;
        const short = second & 0x7f;
        const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
        if (have < 2 + extended + (second >= 0x80 ? 4 : 0)) continue;
        have = 0;
        if (short === 126) rest = header.readUInt16BE(2);
        else if (short === 127) rest = Number(header.readBigUInt64BE(2));
        else rest = short;
      }
    },
    between: () => have === 0 && rest === 0,
  };
}
