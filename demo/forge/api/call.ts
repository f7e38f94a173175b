import { ApiError } from '../model/apiError.ts';
import type { Core } from '../model/core.ts';
import type { User } from '../model/users.ts';

/** One call of the REST API, after its token has been checked. */
export type Call = {
  core: Core;
  user: User | undefined;
  params: Record<string, string | undefined>;
  query: URLSearchParams;
  /** The parsed JSON body; an empty object when there is none. */
  body: Record<string, unknown>;
  /** The `Accept` header. */
  accept: string;
  /** The address of this call, for Link headers. */
  url: URL;
};

export type Answer = {
  status: number;
  /** JSON value; a Buffer or string is sent as it is; undefined for no body. */
  body?: unknown;
  headers?: Record<string, string>;
};

export type Handler = (call: Call) => Promise<Answer>;

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const created = (body: unknown, location?: string): Answer => ({
  status: 201,
  body,
  ...(location === undefined ? {} : { headers: { location } }),
});
export const empty = (): Answer => ({ status: 204 });

/** `per_page` (1–100, default 30) and `page` (from 1) applied to a list, with GitHub's Link header. */
export function page<T>(call: Call, items: readonly T[]): { items: T[]; headers: Record<string, string> } {
  const number = (name: string, otherwise: number, most: number) => {
    const value = Number.parseInt(call.query.get(name) ?? '', 10);
    return Number.isNaN(value) || value < 1 ? otherwise : Math.min(value, most);
  };
  const size = number('per_page', 30, 100);
  const current = number('page', 1, 1_000_000);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (to: number, rel: string) => {
    const url = new URL(call.url);
    url.searchParams.set('page', String(to));
    return `<${url}>; rel="${rel}"`;
  };
  const links = [
    ...(current > 1 ? [link(current - 1, 'prev')] : []),
    ...(current < last ? [link(current + 1, 'next'), link(last, 'last')] : []),
    ...(current > 1 ? [link(1, 'first')] : []),
  ];
  return {
    items: items.slice((current - 1) * size, current * size),
    headers: links.length > 0 ? { link: links.join(', ') } : {},
  };
}

/** The answer with a page of a list. */
export function listing<T>(call: Call, items: readonly T[], render: (item: T) => unknown): Answer {
  const paged = page(call, items);
  return { status: 200, body: paged.items.map(render), headers: paged.headers };
}

/** An error in GitHub's shape. */
export function renderError(error: ApiError): Answer {
  return {
    status: error.status,
    body: {
      message: error.message,
      ...(error.errors === undefined ? {} : { errors: error.errors }),
      documentation_url: 'https://docs.github.com/rest',
      status: String(error.status),
    },
  };
}

/** Who calls. The router lets no write through without a user; this states it for the type. */
export function actor(call: Call): User {
  if (call.user === undefined) throw new ApiError(401, 'Requires authentication');
  return call.user;
}
