import { isInBlock, parseBlock } from './parseBlock.ts';

/** Whether each CIDR block lies in one of the others; that several of them together hold it is not seen. */
export function isWithinBlocks(inner: readonly string[], outer: readonly string[]): boolean {
  const around = outer.map(parseBlock);
  return inner.map(parseBlock).every((block) => around.some((other) => isInBlock(block, other)));
}
