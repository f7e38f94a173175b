// A provider with many people, in a process of its own: `node bench/sync/provider.ts okta|entra|scim PEOPLE GROUPS`.
import { type Organisation, serveGraph, serveOkta, serveScim } from '../../test/reviewer/sync/_providers.ts';

const [kind = 'okta', people = '100000', groups = '5000'] = process.argv.slice(2);
const count = Number(people);
/** Each group has 60 members, spread evenly; each hundredth is nested in the one before. */
const organisation: Organisation = {
  people: Array.from({ length: count }, (_, index) => ({
    id: `00u${String(index).padStart(9, '0')}`,
    login: `person.${index}@example.com`,
    ...(index > 0 ? { manager: `00u${String(Math.floor(index / 10)).padStart(9, '0')}` } : {}),
    lastSignIn: '2026-11-20T08:12:44Z',
  })),
  groups: Array.from({ length: Number(groups) }, (_, index) => ({
    id: `00g${String(index).padStart(9, '0')}`,
    name: `team-${index}`,
    people: Array.from(
      { length: 60 },
      (_, member) => `00u${String((index * 20 + member * 7) % count).padStart(9, '0')}`,
    ),
  })),
};
// So that the stub finds people by an index: what is measured is the sync.
Object.freeze(organisation.people);
const serve = { okta: serveOkta, entra: serveGraph, scim: serveScim }[kind];
if (serve === undefined) throw new Error(`no provider is called ${kind}`);
const stub = await serve(() => organisation, { okta: 200, entra: 500, scim: 100 }[kind] ?? 100);
process.send?.(stub.url);
process.once('disconnect', () => process.exit(0));
