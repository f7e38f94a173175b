import type { Organisation, Person } from '../grants/organisation.ts';
import type { Service } from '../grants/schema.ts';

type Accounts = Pick<Organisation, 'people' | 'services'>;

/** The person whom a principal names, as a directory knows them; a group may be called like somebody's login. */
export const personOf = (principal: string, { people }: Pick<Organisation, 'people'>): Person | undefined =>
  principal.startsWith('user:') ? people.get(principal.slice('user:'.length)) : undefined;

const serviceOf = (principal: string, { services }: Pick<Organisation, 'services'>): Service | undefined =>
  principal.startsWith('service:') ? services.get(principal.slice('service:'.length)) : undefined;

/** The principal's account, where it has one and a directory knows it. */
export const accountStatus = (
  principal: string,
  accounts: Accounts,
): Person['status'] | Service['state'] | null =>
  personOf(principal, accounts)?.status ?? serviceOf(principal, accounts)?.state ?? null;

/** Whether a grant to this person or service gives it anything. */
export const isActive = (principal: string, accounts: Accounts): boolean =>
  accountStatus(principal, accounts) === 'active';
