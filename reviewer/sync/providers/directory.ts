import type { DirectoryFile } from '../../../bundle/grants/schema.ts';

/** A person as an identity provider tells it. */
export type ProviderPerson = {
  /** Immutable: a login that is given to another person comes with another id. */
  id: string;
  login: string;
  status: DirectoryFile['people'][number]['status'];
  /** The manager's id or login, as the provider has it; null when there is none. */
  manager: string | null;
  /** RFC 3339; null when it is not known. */
  lastSignIn: string | null;
};

/** A group with its direct members, by their ids. */
export type ProviderGroup = {
  id: string;
  name: string;
  people: readonly string[];
  groups: readonly string[];
};

/**
 * What one full read of a provider gave. There is no partial one: an adapter that could not read every page throws.
 * People are all whom the provider lists; groups are at least those that were wanted, and those nested in them.
 */
export type ProviderRead = {
  people: readonly ProviderPerson[];
  groups: readonly ProviderGroup[];
  /** What the operator should know though it is no error. */
  notes: readonly string[];
  /** From where the next read may go on, as JSON holds it; `whole` when everything was read for it. */
  state?: { value: unknown; whole: boolean };
};

/** What was kept of an earlier read; null when there is nothing to go on from, and everything is to be read. */
export type Resume = { state: unknown; say: (line: string) => void };

/** Whether a group is to be read, by its name. */
export type Wanted = (group: string) => boolean;

/**
 * Reads a provider whole. Where it can go on from a state and is let, it gives the same as a whole read would, but for
 * sign-ins, and a state anew. Throws SyncError.
 */
export type ReadProvider = (wanted: Wanted, resume?: Resume) => Promise<ProviderRead>;
