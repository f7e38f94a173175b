/** Whoever has one IPv6 address has the 2⁶⁴ around it. An IPv4 address stands for itself. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [left = '', right] = address.split('::');
  const groups = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    const tail = right === '' ? [] : right.split(':');
    // An IPv4 address at the end stands for two groups.
    const last = tail.at(-1)?.includes('.') === true ? 1 : 0;
    while (groups.length + tail.length + last < 8) groups.push('0');
    groups.push(...tail);
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
