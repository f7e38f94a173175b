/**
 * How many answers of HTTP/1.1 stand whole in a text, by their own framing (RFC 9112, 6.3), without the interim ones. A
 * switch of protocols is the last; what ends with its connection is never whole. None may be the answer to a HEAD.
 */
export function wholeAnswers(text: string): number {
  let count = 0;
  for (let rest = text; ; ) {
    const [head, status = ''] = /^HTTP\/1\.[01] (\d{3}).*?\r\n\r\n/s.exec(rest) ?? [];
    if (head === undefined) return count;
    if (status === '101') return count + 1;
    const isInterim = status.startsWith('1');
    const body =
      isInterim || status === '204' || status === '304' ? 0 : bodyLength(head, rest.slice(head.length));
    if (body === null || rest.length < head.length + body) return count;
    if (!isInterim) count += 1;
    rest = rest.slice(head.length + body);
  }
}

/** What of a text is the body that a head announces; null where more has to come to tell. */
function bodyLength(head: string, text: string): number | null {
  if (!/^transfer-encoding: *chunked\r$/im.test(head)) {
    const length = /^content-length: *(\d+)\r$/im.exec(head)?.[1];
    return length === undefined ? null : Number(length);
  }
  for (let at = 0; ; ) {
    const [line, size = ''] = /^([0-9a-f]+).*?\r\n/is.exec(text.slice(at)) ?? [];
    if (line === undefined) return null;
    at += line.length;
    if (Number.parseInt(size, 16) > 0) at += Number.parseInt(size, 16) + 2;
    else {
      // The trailers, and the empty line behind them.
      const trailers = /^(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(at));
      return trailers === null ? null : at + trailers[0].length;
    }
  }
}
