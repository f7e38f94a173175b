/** People of a directory of their own, each with a grant to list orders: enough of them for shares to say something. */
export const loginOf = (index: number) => `crowd-${index}@example.com`;

/** Files of an organisation with `people` such people, of whom the first `granted` hold their grant. */
export function crowd(people: number, granted = people): Record<string, string> {
  const numbers = Array.from({ length: people }, (_, index) => index);
  const grants = numbers
    .slice(0, granted)
    .map(
      (index) =>
        `- { id: crowd-${index}, principal: "user:${loginOf(index)}", api: orders, operations: [listOrders], ` +
        'reason: r, owner: group:commerce, granted: 2026-01-01 }\n',
    );
  const list = numbers.map((index) => `  - { login: "${loginOf(index)}", id: c${index}, status: active }\n`);
  return {
    'grants/access/orders/crowd.yaml': granted === 0 ? '[]\n' : grants.join(''),
    'grants/directory/crowd.yaml': `provider: crowd\nsynced: 2026-11-23T03:00:00Z\ncomplete: true\npeople:\n${list.join('')}groups: []\n`,
  };
}
