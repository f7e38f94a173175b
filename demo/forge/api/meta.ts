import { notFound } from '../model/apiError.ts';
import { type Methods, renderRepository, renderUser } from '../model/shapes.ts';
import { actor, type Handler, ok } from './call.ts';

/** The repository on its own says a little more than inside of other answers. */
export const getRepository: Handler = async (call) =>
  ok({
    ...renderRepository(call.core, call.user),
    has_discussions: false,
    subscribers_count: 0,
    network_count: 0,
  });

export const getUser: Handler = async (call) => {
  const user = actor(call);
  return ok({ ...renderUser(call.core, user), name: user.name, email: user.email });
};

export const getUserNamed: Handler = async (call) => {
  const user = call.core.users.known(call.params.login ?? '');
  if (user === undefined) throw notFound();
  return ok({ ...renderUser(call.core, user), name: user.name, email: user.email });
};

/** What a user may do here; GitHub answers "none" for strangers to a private repository, "read" on a public one. */
export const getPermission: Handler = async (call) => {
  const user = call.core.users.known(call.params.login ?? '');
  if (user === undefined) throw notFound();
  return ok({
    permission: user.permission,
    role_name: user.permission,
    user: {
      ...renderUser(call.core, user),
      role_name: user.permission,
      permissions: {
        pull: true,
        triage: user.permission !== 'read',
        push: user.permission !== 'read',
        maintain: user.permission === 'admin',
        admin: user.permission === 'admin',
      },
    },
  } satisfies Methods['repos']['getCollaboratorPermissionLevel']['response']['data']);
};

/** The forge limits nobody: figures of an untouched allowance. */
export const getRateLimit: Handler = async (call) => {
  const core = {
    limit: 5000,
    used: 0,
    remaining: 5000,
    reset: Math.floor(Date.parse(call.core.now()) / 1000) + 3600,
  };
  return ok({
    resources: { core, search: core },
    rate: core,
  } satisfies Methods['rateLimit']['get']['response']['data']);
};
