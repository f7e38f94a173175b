import { fold } from '../../../bundle/grants/names.ts';
import type { Service } from '../../../bundle/grants/schema.ts';

/** What services.yaml says at a moment. */
export type ServicesNow = {
  /** Whether requests may come from a service (folded, `service:NAME`): it is in use, and has what proves it. */
  isActive(service: string): boolean;
};

/** Follows services.yaml, one state after the other. `today` are those that the review is of. */
export function createServices(today: Iterable<Service>) {
  // Where it has none today, what it once had tells nothing.
  const proved = new Set([...today].filter(hasCredentials).map(nameOf));
  let state: ReadonlyMap<string, Service> = new Map();
  const owned = new Map<string, { owner: string; at: number }>();
  const isInUse = (known: Service | undefined, name: string) =>
    known?.state === 'active' && (hasCredentials(known) || !proved.has(name));
  return {
    isActive: (service: string) => isInUse(state.get(service), service),
    /** By another state of the file. */
    as(services: readonly Service[]): ServicesNow {
      const other = new Map(services.map((service) => [nameOf(service), service]));
      return { isActive: (service) => isInUse(other.get(service), service) };
    },
    /** None where the file went. */
    step(at: number, services: readonly Service[]): void {
      state = new Map(services.map((service) => [nameOf(service), service]));
      for (const name of owned.keys()) if (!state.has(name)) owned.delete(name);
      for (const [name, { owner }] of state)
        if (owned.get(name)?.owner !== fold(owner)) owned.set(name, { owner: fold(owner), at });
    },
    /** What a merged branch says of owners: whose they are again is not held against them from before. */
    noteOwners(services: readonly Service[], mergedAt: number): void {
      for (const service of services) {
        const [name, owner] = [nameOf(service), fold(service.owner)];
        const known = owned.get(name);
        if (known !== undefined && known.owner !== owner) owned.set(name, { ...known, at: mergedAt });
      }
    },
    /** Since when each has the owner that it has. */
    ownedSince: (): ReadonlyMap<string, number> => new Map([...owned].map(([name, { at }]) => [name, at])),
  };
}

const nameOf = ({ name }: Service) => fold(`service:${name}`);
const hasCredentials = ({ credentials }: Service) => credentials.length > 0;
