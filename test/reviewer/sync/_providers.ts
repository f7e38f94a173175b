import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A person and a group as the stub servers have them; each speaks of them in its provider's words. */
export type StubPerson = {
  id: string;
  login: string;
  status?: 'active' | 'suspended' | 'deprovisioned';
  manager?: string;
  lastSignIn?: string;
};
export type StubGroup = {
  id: string;
  name: string;
  people: string[];
  groups?: string[];
  visibility?: string;
};
export type Organisation = { people: StubPerson[]; groups: StubGroup[] };

export type Reply = {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  raw?: string;
  cut?: true;
};
/** Told of each request by its number, from 1; gives another answer, or null for the usual one. */
export type Fault = (request: IncomingMessage, number: number) => Reply | null;

export type Stub = {
  url: string;
  /** Method, path and query of each request. */
  requests: string[];
  /** The authorization headers seen, in order. */
  credentials: string[];
  fault: Fault;
  /** Called before each page is answered: the organisation may change between two. */
  between: () => void;
  close: () => Promise<void>;
};

type Answer = (url: URL, request: IncomingMessage, body: string) => Reply;

async function serve(answer: (stub: Stub) => Answer): Promise<Stub> {
  const stub: Stub = {
    url: '',
    requests: [],
    credentials: [],
    fault: () => null,
    between: () => {},
    close: () => new Promise((done) => server.close(() => done()).closeAllConnections()),
  };
  let reply: Answer = () => ({ status: 500 });
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    let sent = '';
    for await (const chunk of request) sent += chunk;
    stub.requests.push(`${request.method} ${decodeURIComponent(request.url ?? '')}`);
    stub.credentials.push(request.headers.authorization ?? '');
    stub.between();
    const usual = () => reply(new URL(request.url ?? '', stub.url), request, sent);
    const {
      status = 200,
      headers = {},
      body,
      raw,
      cut,
    } = stub.fault(request, stub.requests.length) ?? usual();
    if (cut) return request.socket.destroy();
    // Tests have a clock of their own, which these do not know.
    response.sendDate = false;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(raw ?? JSON.stringify(body ?? {}));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  stub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  reply = answer(stub);
  return stub;
}

const indexes = new WeakMap<readonly StubPerson[], ReadonlyMap<string, StubPerson>>();

/** Those of `people` whose ids are among these, in the order of `people`; found by an index where it may not change. */
function among(people: readonly StubPerson[], ids: readonly string[]): StubPerson[] {
  if (!Object.isFrozen(people)) return people.filter(({ id }) => ids.includes(id));
  const index = indexes.get(people) ?? new Map(people.map((person) => [person.id, person]));
  indexes.set(people, index);
  return [...new Set(ids)].flatMap((id) => index.get(id) ?? []);
}

/** A page of `all` by a cursor in `after`, with Okta's and GitHub's `Link`. */
function linked<T>(
  url: URL,
  all: readonly T[],
  size: number,
  tell: (item: T) => unknown,
): { page: unknown[]; headers: Record<string, string> } {
  const start = Number(url.searchParams.get('after') ?? 0);
  const page = all.slice(start, start + size).map(tell);
  if (start + size >= all.length) return { page, headers: { link: `<${url.href}>; rel="self"` } };
  const next = new URL(url);
  next.searchParams.set('after', String(start + size));
  return { page, headers: { link: `<${url.href}>; rel="self", <${next.href}>; rel="next"` } };
}

const oktaStatus = { active: 'ACTIVE', suspended: 'SUSPENDED', deprovisioned: 'DEPROVISIONED' } as const;

export function serveOkta(organisation: () => Organisation, pageSize = 2): Promise<Stub> {
  const userOf = ({ id, login, status = 'active', manager, lastSignIn }: StubPerson) => ({
    id,
    status: oktaStatus[status],
    created: '2026-01-01T00:00:00.000Z',
    lastLogin: lastSignIn ?? null,
    profile: {
      login,
      email: login,
      firstName: 'A',
      lastName: 'B',
      ...(manager ? { managerId: manager } : {}),
    },
  });
  return serve(() => (url) => {
    const { people, groups } = organisation();
    const page = <T>(all: readonly T[], tell: (item: T) => unknown): Reply => {
      const { page: body, headers } = linked(url, all, pageSize, tell);
      return { body, headers };
    };
    if (url.pathname === '/api/v1/users') {
      const filter = url.searchParams.get('filter');
      const gone = filter === 'status eq "DEPROVISIONED"';
      return page(
        people.filter(({ status }) => (status === 'deprovisioned') === gone),
        userOf,
      );
    }
    if (url.pathname === '/api/v1/groups')
      return page(groups, ({ id, name }) => ({
        id,
        type: 'OKTA_GROUP',
        profile: { name, description: null },
      }));
    const group = groups.find(({ id }) => url.pathname === `/api/v1/groups/${id}/users`);
    if (group) return page(among(people, group.people), userOf);
    return { status: 404, body: { errorCode: 'E0000007' } };
  });
}

/** `more` answers what is asked besides, in whatever way changes are told. */
export function serveGraph(
  organisation: () => Organisation,
  pageSize = 2,
  more: (url: URL, origin: string) => Reply | null = () => null,
): Promise<Stub> {
  return serve((stub) => (url, request, sent) => {
    const { people, groups } = organisation();
    if (url.pathname.endsWith('/oauth2/v2.0/token')) {
      const form = new URLSearchParams(sent);
      return form.get('client_secret') === 'right'
        ? { body: { token_type: 'Bearer', expires_in: 3599, access_token: 'graph-token' } }
        : { status: 401, body: { error: 'invalid_client', error_description: 'secret right-ish' } };
    }
    if (request.headers.authorization !== 'Bearer graph-token')
      return { status: 401, body: { error: { code: 'InvalidAuthenticationToken' } } };
    const page = <T>(all: readonly T[], tell: (item: T) => unknown): Reply => {
      const start = Number(url.searchParams.get('$skiptoken') ?? 0);
      const next = new URL(url.href.replace(url.origin, stub.url));
      next.searchParams.set('$skiptoken', String(start + pageSize));
      const on = start + pageSize < all.length ? { '@odata.nextLink': next.href } : {};
      return {
        body: { '@odata.context': 'c', value: all.slice(start, start + pageSize).map(tell), ...on },
      };
    };
    const [, , kind = '', id, list] = url.pathname.split('/');
    const one = <T extends { id: string }>(all: readonly T[], tell: (item: T) => object): Reply => {
      const found = all.find((item) => item.id === id);
      return found === undefined
        ? { status: 404, body: { error: { code: 'Request_ResourceNotFound' } } }
        : { body: { '@odata.context': 'c', ...tell(found) } };
    };
    const other = more(url, stub.url);
    if (other !== null) return other;
    if (kind === 'users' && id === undefined) return page(people, graphUser);
    if (kind === 'groups' && id === undefined) return page(groups, graphGroup);
    const of = (type: string) => (id: string) => ({ '@odata.type': `#microsoft.graph.${type}`, id });
    if (list === 'memberOf')
      return page(
        groups.filter((group) => (kind === 'users' ? group.people : group.groups)?.includes(id ?? '')),
        ({ id }) => ({ id }),
      );
    if (list === undefined) return kind === 'users' ? one(people, graphUser) : one(groups, graphGroup);
    const group = groups.find((one) => one.id === id);
    if (list !== 'members' || group === undefined)
      return { status: 404, body: { error: { code: 'Request_ResourceNotFound' } } };
    const inner = groups.filter(({ id }) => group.groups?.includes(id));
    return page(
      [
        ...among(people, group.people).map(({ id }) => of('user')(id)),
        ...inner.map(({ id }) => of('group')(id)),
        of('device')('d1'),
      ],
      (member) => member,
    );
  });
}

const graphUser = ({ id, login, status = 'active', manager, lastSignIn }: StubPerson) => ({
  id,
  userPrincipalName: login,
  mail: login.includes('#EXT#') ? null : login,
  accountEnabled: status === 'active',
  ...(manager ? { manager: { '@odata.type': '#microsoft.graph.user', id: manager } } : {}),
  ...(lastSignIn ? { signInActivity: { lastSignInDateTime: lastSignIn } } : {}),
});
const graphGroup = ({ id, name, visibility = 'Private' }: StubGroup) => ({
  ...{ id, displayName: name, visibility },
});

export function serveGithub(organisation: () => Organisation, pageSize = 2): Promise<Stub> {
  const userOf = ({ id, login }: StubPerson) => ({ id: Number(id), login, type: 'User' });
  return serve(() => (url) => {
    const { people, groups } = organisation();
    const page = <T>(all: readonly T[], tell: (item: T) => unknown): Reply => {
      const { page: body, headers } = linked(url, all, pageSize, tell);
      return { body, headers };
    };
    if (url.pathname === '/api/v3/orgs/northwind/members') return page(people, userOf);
    if (url.pathname === '/api/v3/orgs/northwind/teams')
      return page(groups, ({ id, name }) => ({ id: Number(id), slug: name, name }));
    const team = groups.find(({ name }) => url.pathname === `/api/v3/orgs/northwind/teams/${name}/members`);
    if (team) return page(among(people, team.people), userOf);
    return { status: 404, body: { message: 'Not Found' } };
  });
}

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export function serveScim(organisation: () => Organisation, most = 2): Promise<Stub> {
  return serve(({ url: origin }) => (url) => {
    const { people, groups } = organisation();
    const page = <T>(all: readonly T[], tell: (item: T) => unknown): Reply => {
      const start = Number(url.searchParams.get('startIndex') ?? 1);
      const Resources = all.slice(start - 1, start - 1 + most).map(tell);
      return {
        headers: { 'content-type': 'application/scim+json' },
        body: {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
          totalResults: all.length,
          startIndex: start,
          itemsPerPage: Resources.length,
          Resources,
        },
      };
    };
    if (url.pathname === '/scim/v2/Users')
      return page(people, ({ id, login, status = 'active', manager }) => ({
        id,
        userName: login,
        active: status === 'active',
        ...(manager ? { [enterprise]: { manager: { value: manager } } } : {}),
      }));
    if (url.pathname === '/scim/v2/Groups')
      return page(groups, (group) => ({
        id: group.id,
        displayName: group.name,
        members: [
          ...group.people.map((value) => ({
            value,
            $ref: `${origin}/scim/v2/Users/${value}`,
            type: 'User',
          })),
          ...(group.groups ?? []).map((value) => ({ value, $ref: `${origin}/scim/v2/Groups/${value}` })),
        ],
      }));
    return { status: 404, body: { status: '404' } };
  });
}
