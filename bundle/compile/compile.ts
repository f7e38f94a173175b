import { anonymous, publicGrant } from '../data/anonymous.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import { compileCredentials } from '../grants/credentials.ts';
import { fold } from '../grants/names.ts';
import type { Api, Grant, Organisation } from '../grants/organisation.ts';
import { bytesOf } from '../grants/schema.ts';
import { grantLines } from './grantLines.ts';

function apiEntries(apis: Organisation['apis']) {
  return Object.fromEntries(
    [...apis.values()].map((api: Api) => [
      api.name,
      {
        assertion: api.assertion === true ? true : undefined,
        authentication: api.authentication && [...api.authentication].sort(),
        body: api.limits?.body && bytesOf(api.limits.body),
        cors: api.cors && corsEntry(api.cors),
        description: api.description,
        encoded_slash: api.encodedSlash?.length ? api.encodedSlash : undefined,
        facts:
          api.facts &&
          Object.fromEntries(Object.entries(api.facts).map(([name, one]) => [name, factEntry(one)])),
        host_header: api.host_header === 'caller' ? 'caller' : undefined,
        operations: Object.fromEntries(api.operations),
        owner: api.owner,
        public: isOpen(api) ? api.public : undefined,
        rate: api.limits?.rate,
        roles: api.roles.size > 0 ? Object.fromEntries(api.roles) : undefined,
        route: api.route,
        tier: api.tier,
        upstream: api.upstream,
      },
    ]),
  );
}

const corsEntry = ({ origins, headers, expose, max_age, credentials }: NonNullable<Api['cors']>) => ({
  credentials: credentials ? true : undefined,
  expose: expose && [...expose].sort(),
  headers: headers && [...headers].sort(),
  max_age,
  origins: [...origins].sort(),
});

/** What a gateway takes for granted is left out. */
const factEntry = ({ type, max_length, values, ...fact }: NonNullable<Api['facts']>[string]) => ({
  ...fact,
  max_length: max_length === 256 ? undefined : max_length,
  type: type === 'text' ? undefined : type,
  values: values && [...values].sort(),
});

/** Whether anybody may call some operation of an API. */
export const isOpen = ({ public: open = [] }: Pick<Api, 'public'>): boolean => open.length > 0;

/** The line of those whom nobody knows; it goes before all others, whose names have a kind. */
export const publicLine = ({ name, public: open = [] }: Pick<Api, 'name' | 'public'>): string =>
  `${canonicalJson(anonymous)}:${canonicalJson([publicGrant(name, open)])}`;

/** `{`, then the lines between line feeds, then `}`; no line feeds at all when there is nothing. */
const wrapLines = (lines: string): string => (lines === '' ? '{}' : `{\n${lines}\n}`);

/** What data.json holds before its data documents, between them and the grants, and after those. */
export type Frame = { before: string; grants: string; after: string };

/** The lines of a data document, as `wrapLines` takes them. */
export type DocumentLines = { name: string; lines: Buffer };

/** The parts of data.json that come from the directory, as text. */
export type DirectoryText = { credentials: string; principals: string };

const linesInPiece = 4096;

/** Renders people and services with their groups, and the services' credentials. */
export function directoryText({
  people,
  services,
  memberships,
}: Pick<Organisation, 'people' | 'services' | 'memberships'>): DirectoryText {
  const groupsOf = (principal: string) =>
    (memberships.get(principal) ?? []).map(fold).sort(compareCodePoints);
  const principals: { key: string; name: string; active: boolean }[] = [];
  for (const { login, status } of people.values()) {
    const name = `user:${login}`;
    principals.push({ key: fold(name), name, active: status === 'active' });
  }
  for (const service of services.values()) {
    const name = `service:${service.name}`;
    principals.push({ key: fold(name), name, active: service.state === 'active' });
  }
  principals.sort((a, b) => compareCodePoints(a.key, b.key));
  // Joined a few at a time: a text that was put together of others holds on to them until it is read.
  const pieces: string[] = [];
  for (let at = 0; at < principals.length; at += linesInPiece)
    pieces.push(
      principals
        .slice(at, at + linesInPiece)
        .map(({ key, name, active }) => {
          const value = { active, groups: groupsOf(name) };
          return `${canonicalJson(key)}:${canonicalJson(value)}`;
        })
        .join(',\n'),
    );
  return {
    credentials: canonicalJson(compileCredentials(services.values())),
    principals: wrapLines(pieces.join(',\n')),
  };
}

/** Renders data documents, which come sorted by name; nothing at all where there are none. */
export const documentParts = (documents: readonly DocumentLines[]): Buffer[] =>
  documents.length === 0
    ? []
    : [
        Buffer.from(`,\n"documents":{`),
        ...documents.flatMap(({ name, lines }, at) => {
          const opening = `${at === 0 ? '' : ','}${canonicalJson(name)}:`;
          return lines.length === 0
            ? [Buffer.from(`${opening}{}`)]
            : [Buffer.from(`${opening}{\n`), lines, Buffer.from('\n}')];
        }),
        Buffer.from('}'),
      ];

/** Renders everything around the grants. */
export function frame(
  { apis, networks }: Pick<Organisation, 'apis' | 'networks'>,
  { credentials, principals }: DirectoryText,
): Frame {
  return {
    before: `{"apis":${canonicalJson(apiEntries(apis))},\n"credentials":${credentials}`,
    grants: `,\n"grants":{`,
    after: `},"networks":${canonicalJson(Object.fromEntries(networks))},"principals":${principals}}`,
  };
}

/**
 * Writes an organisation as `data.json`: canonical JSON with line feeds put in so that each API-and-principal's grants
 * and each principal stand on a line of their own. `apis` and `credentials` have a line each; an API without grants
 * does not appear under `grants`; empty objects are `{}`. Data documents, where there are any, stand before the grants,
 * an entry a line. Without its line feeds the document is canonical JSON, and
 * the same organisation always gives the same bytes.
 */
export function compile(organisation: Organisation, documents: readonly DocumentLines[] = []): Buffer {
  const byApi = new Map<string, Grant[]>();
  for (const api of organisation.apis.values()) if (isOpen(api)) byApi.set(api.name, []);
  for (const grant of organisation.grants) {
    const held = byApi.get(grant.api);
    if (held) held.push(grant);
    else byApi.set(grant.api, [grant]);
  }
  const around = frame(organisation, directoryText(organisation));
  const grants = [...byApi]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([name, held]) => {
      const api = organisation.apis.get(name);
      const lines = [api !== undefined && isOpen(api) ? publicLine(api) : '', grantLines(held)];
      return `${canonicalJson(name)}:${wrapLines(lines.filter((line) => line !== '').join(',\n'))}`;
    });
  return Buffer.concat([
    Buffer.from(around.before),
    ...documentParts(documents),
    Buffer.from(around.grants + grants.join(',') + around.after),
  ]);
}
