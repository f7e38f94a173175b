import type { ParamsLine } from '../data/grantLine.ts';

/** "tenant acme or initech, customerId as the claim customer_id says"; what stands in a grant, without line ends. */
export const paramsText = (params: ParamsLine): string =>
  Object.entries(params)
    .map(([name, wanted]) =>
      'claim' in wanted ? `${name} as the claim ${wanted.claim} says` : `${name} ${valuesText(wanted)}`,
    )
    .join(', ');

const most = 10;
/** "acme or initech"; of many values the first ones. */
export const valuesText = (values: readonly string[]): string =>
  values.length > most
    ? `${values.slice(0, most).map(shown).join(', ')} or ${values.length - most} others`
    : values.map(shown).join(' or ');

/** A plain value as it is; what could be read as something else in quotes. */
const shown = (value: string): string => (/^[A-Za-z0-9_.:/@-]+$/.test(value) ? value : JSON.stringify(value));
