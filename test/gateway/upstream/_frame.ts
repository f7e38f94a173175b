/** A frame as RFC 6455, 5.2 lays it out; `mask` as clients send them. */
export function frame(size: number, mask: boolean): Buffer {
  const extended = size > 65_535 ? 8 : size > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + extended + (mask ? 4 : 0));
  head[0] = 0x82;
  head[1] = (mask ? 0x80 : 0) | (extended === 0 ? size : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(size, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(size), 2);
  // A payload that reads like the beginning of another frame.
  return Buffer.concat([head, Buffer.alloc(size, 0x88)]);
}
