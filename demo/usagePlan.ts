import type { Detector } from '../bundle/grants/names.ts';

/** How a grant of the sample organisation was used in the recorded past. */
export type Use = {
  /** The operations used; all the grant covers when left out. */
  operations?: readonly string[];
  /** The last day of use, in days before today; 0 when left out. */
  until?: number;
  /** Used on these days only, in days before today. */
  days?: readonly number[];
  /** Mean uses on a working day; by the kind of principal when left out. */
  perDay?: number;
};

export const never = 'never';

/**
 * Grant id → its use. A grant that is not here is healthy: used on most working days (by a service on every day) from
 * the day it was granted to its expiry, each of its operations at least once a week.
 */
export const usagePlan: Readonly<Record<string, Use | typeof never>> = {
  // What the shop's front end does all day.
  'catalog-storefront-read': { perDay: 70 },
  'orders-storefront-edit': { perDay: 45 },
  'customers-storefront-edit': { perDay: 30 },
  'inventory-storefront-read': { perDay: 40 },
  'tracking-shipping-edit': { perDay: 40 },
  'reports-runner-create': { perDay: 8 },

  // Expired, and used to the end.
  'orders-anya-campaign': { perDay: 2 },
  'catalog-jules-september-sale': { perDay: 3 },
  'reports-paula-audit': { perDay: 2 },

  'customers-clara-segments': never,
  'inventory-hanna-stocktake': never,
  'tracking-erin-load-test': never,

  // Silent for longer than the 45 days of a high or critical API, or the 90 of the others.
  'orders-sofia-migration': { until: 62 },
  'payments-victor-reconcile': { until: 71 },
  'catalog-oscar-photos': { until: 104, perDay: 2 },
  'reports-ingrid-quality': { until: 98 },
  'inventory-arjun-import': never,

  // Used until shortly before their people's accounts were closed.
  'payments-wei-clerk': { until: 25 },
  'customers-leo-export': { until: 18, perDay: 2 },
  'tracking-dmitri-edit': { until: 20 },

  // Wider than their use.
  'orders-mateo-bundles': { operations: ['listOrders', 'getOrder'] },
  'orders-hanna-returns': { operations: ['getOrder', 'cancelOrder'] },
  'customers-sam-merge': { operations: ['listCustomers', 'getCustomer'] },
  'reports-kofi-weekly': { operations: ['listReports', 'getReport'], perDay: 2 },

  // They look like the ones above, and must not be found; `quiet` says why.
  'orders-erin-break-glass': never,
  'payments-arjun-break-glass': never,
  'people-victor-break-glass': never,
  'payments-paula-audit': never,
  'people-paula-audit': never,
  'inventory-lena-shift-lead': never,
  'inventory-victor-import': never,
  'reports-tom-stocktake': never,
  'customers-carlos-discount': { until: 84, perDay: 2 },
  'tracking-sofia-carrier-switch': { operations: ['listShipments', 'getShipment'] },
  'catalog-elif-prices': { until: 58, perDay: 1 },
  'reports-grace-read': { days: [110, 81, 50, 21] },
  'inventory-finance-count': { days: [105, 104, 103, 53, 52, 51] },
  'people-dana-salaries': { days: [106, 105, 59, 58] },
};

/** Grant id → the detectors that report it, the finding's own first. Nothing else in the sample is to be found. */
export const planted: Readonly<Record<string, readonly Detector[]>> = {
  'orders-anya-campaign': ['expired'],
  'catalog-jules-september-sale': ['expired'],
  'reports-paula-audit': ['expired'],
  'customers-clara-segments': ['never-used'],
  'inventory-hanna-stocktake': ['never-used'],
  'tracking-erin-load-test': ['never-used'],
  'orders-sofia-migration': ['dormant'],
  'payments-victor-reconcile': ['dormant'],
  // Its keep lapsed in September.
  'catalog-oscar-photos': ['dormant'],
  'reports-ingrid-quality': ['dormant'],
  // Suspended for 44 days, which the repository's history says.
  'inventory-arjun-import': ['dormant'],
  'payments-wei-clerk': ['orphan-disabled'],
  // And all of support may do the same.
  'customers-leo-export': ['orphan-disabled', 'redundant'],
  'tracking-dmitri-edit': ['orphan-disabled'],
  'orders-mateo-bundles': ['over-privileged'],
  'orders-hanna-returns': ['over-privileged'],
  'customers-sam-merge': ['over-privileged'],
  'reports-kofi-weekly': ['over-privileged'],
  'catalog-anya-winter': ['expiring'],
  // Her login was another person's until three days ago, as the provider's ids say.
  'reports-aisha-shifts': ['orphan-missing'],
  'reports-lena-night': ['ownerless'],
  'catalog-erin-read': ['redundant'],
  'people-grace-directory': ['high-access'],
  // Another manager since three days.
  'people-mara-directory': ['mover'],
  'payments-amara-approve': ['separation-of-duties'],
  // Two people and services then, three now.
  'payments-ap-clerk': ['growth'],
};

/** What grants that are too wide, or one duty too many, are narrowed to. */
export const narrowed: Readonly<Record<string, { role: string } | { operations: readonly string[] }>> = {
  'orders-mateo-bundles': { role: 'reader' },
  // No role holds these two without nearly everything else.
  'orders-hanna-returns': { operations: ['cancelOrder', 'getOrder'] },
  'customers-sam-merge': { role: 'reader' },
  'reports-kofi-weekly': { role: 'reader' },
  'payments-amara-approve': { operations: ['listApprovals'] },
};

/** Grants with a suspicious look, and why they are left alone. */
export const quiet: Readonly<Record<string, string>> = {
  'orders-erin-break-glass': 'break-glass grants are never unused',
  'payments-arjun-break-glass': 'break-glass grants are never unused',
  'people-victor-break-glass': 'break-glass grants are never unused',
  'payments-paula-audit': 'annual: younger than its window',
  'people-paula-audit': 'annual: younger than its window',
  'inventory-lena-shift-lead': 'younger than 30 days',
  'inventory-victor-import': 'suspended for 12 days only',
  'reports-tom-stocktake': 'dormant, and exempt',
  'customers-carlos-discount': 'dormant, and kept in review',
  'tracking-sofia-carrier-switch': 'over-privileged, and kept in review',
  'catalog-elif-prices': 'silent for two months on a low tier',
  'reports-grace-read': 'monthly',
  'inventory-finance-count': 'quarterly',
  'people-dana-salaries': 'quarterly: its window is longer than the 45 days of a critical API',
};
