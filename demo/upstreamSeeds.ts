export type Resource = { id: string } & Record<string, unknown>;

const names = [
  'Acme Tools',
  'Blue Harbour',
  'Cedar & Sons',
  'Delta Foods',
  'Elm Street Books',
  'Fjord Outdoor',
];
const goods = ['Kettle', 'Desk lamp', 'Rain jacket', 'Notebook', 'Garden hose', 'Coffee grinder'];
const people = ['Ann Larsen', 'Ben Okafor', 'Carla Souza', 'Dmitri Ivanov', 'Emma Novak', 'Farid Aziz'];
const cities = ['Oslo', 'Hamburg', 'Rotterdam', 'Gdansk', 'Antwerp', 'Malmo'];

const pick = (list: readonly string[], index: number): string => list[index % list.length] ?? '';
const day = (index: number): string => `2026-10-${String(1 + ((index * 5) % 28)).padStart(2, '0')}`;
const amount = (index: number): string =>
  `${40 + ((index * 137) % 900)}.${String((index * 7) % 100).padStart(2, '0')}`;

/** Collection name → the prefix of its ids and the rest of its n-th entry. */
const kinds: Record<string, [string, (index: number) => Record<string, unknown>]> = {
  orders: [
    'ord',
    (n) => ({
      customer: pick(names, n),
      placed: day(n),
      total: amount(n),
      currency: 'EUR',
      status: pick(['paid', 'packed', 'sent'], n),
    }),
  ],
  customers: [
    'cus',
    (n) => ({ name: pick(names, n), city: pick(cities, n), since: `20${14 + (n % 10)}-03-01` }),
  ],
  products: ['prd', (n) => ({ name: pick(goods, n), stock: (n * 31) % 120 })],
  prices: ['prc', (n) => ({ product: `prd-${1001 + n}`, amount: amount(n), currency: 'EUR', from: day(n) })],
  items: ['itm', (n) => ({ name: pick(goods, n), warehouse: pick(cities, n), quantity: (n * 53) % 400 })],
  transfers: [
    'trf',
    (n) => ({ item: `itm-${1001 + n}`, from: pick(cities, n), to: pick(cities, n + 1), quantity: 5 + n }),
  ],
  payments: [
    'pay',
    (n) => ({
      to: pick(names, n),
      amount: amount(n),
      currency: 'EUR',
      due: day(n),
      status: pick(['waiting', 'approved'], n),
    }),
  ],
  approvals: ['apr', (n) => ({ payment: `pay-${1001 + n}`, approved: day(n) })],
  refunds: ['ref', (n) => ({ order: `ord-${1001 + n}`, amount: amount(n), currency: 'EUR' })],
  employees: ['emp', (n) => ({ name: pick(people, n), office: pick(cities, n) })],
  salaries: ['sal', (n) => ({ employee: `emp-${1001 + n}`, grade: `G${3 + (n % 5)}` })],
  shipments: [
    'shp',
    (n) => ({
      order: `ord-${1001 + n}`,
      from: pick(cities, n),
      to: pick(cities, n + 2),
      status: pick(['loading', 'on the road', 'delivered'], n),
    }),
  ],
  positions: ['pos', (n) => ({ lorry: `NW-${310 + n}`, latitude: 53.5 + n / 10, longitude: 9.9 + n / 7 })],
  reports: ['rep', (n) => ({ title: `Sales, week ${30 + n}`, ready: day(n) })],
  schedules: ['sch', (n) => ({ report: `rep-${1001 + n}`, every: pick(['day', 'week', 'month'], n) })],
};

/** A few believable entries for a collection, the same on every start. Unknown collections get plain ones. */
export function seedCollection(collection: string): Resource[] {
  const [prefix, entry] = (Object.hasOwn(kinds, collection) ? kinds[collection] : undefined) ?? [
    collection.slice(0, 3),
    (n: number) => ({ name: `${collection} ${n + 1}` }),
  ];
  return Array.from({ length: 6 }, (_, index) => ({ id: `${prefix}-${1001 + index}`, ...entry(index) }));
}

/** The n-th event of a stream: where a lorry is. */
export function positionAt(index: number): Record<string, unknown> {
  return {
    lorry: `NW-${310 + (index % 6)}`,
    latitude: Number((53.5 + Math.sin(index / 20) / 2).toFixed(4)),
    longitude: Number((9.9 + Math.cos(index / 20)).toFixed(4)),
    sequence: index,
  };
}
