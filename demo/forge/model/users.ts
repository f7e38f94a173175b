import { createHash, timingSafeEqual } from 'node:crypto';

export type Permission = 'admin' | 'write' | 'read';

/** Somebody the forge knows. Without a token nobody can act as them through the API. */
export type User = {
  login: string;
  id: number;
  type: 'User' | 'Bot';
  permission: Permission;
  name: string;
  email: string;
};

export type UserOptions = {
  login: string;
  token?: string;
  permission?: Permission;
  type?: 'User' | 'Bot';
  name?: string;
  email?: string;
};

export type Users = {
  /** The user of a login; one who only appears as a Git author or in old state gets read permission. */
  named: (login: string) => User;
  known: (login: string) => User | undefined;
  /** The user a token belongs to; every known token is compared, in constant time. */
  withToken: (token: string) => User | undefined;
};

const digest = (text: string) => createHash('sha256').update(text).digest();

export function createUsers(options: readonly UserOptions[]): Users {
  const users = new Map<string, User>();
  const tokens: { hash: Buffer; user: User }[] = [];
  const make = (option: UserOptions): User => ({
    login: option.login,
    id: 1000 + (digest(option.login).readUInt32BE(0) % 1_000_000_000),
    type: option.type ?? 'User',
    permission: option.permission ?? 'write',
    name: option.name ?? option.login,
    email: option.email ?? `${option.login.replace(/[^A-Za-z0-9._+-]/g, '-')}@users.noreply.example.com`,
  });
  for (const option of options) {
    const user = make(option);
    users.set(option.login.toLowerCase(), user);
    // A header that carries no token reads as an empty one.
    if (option.token === '') throw new Error(`the token of ${option.login} is empty`);
    if (option.token !== undefined) tokens.push({ hash: digest(option.token), user });
  }
  return {
    known: (login) => users.get(login.toLowerCase()),
    named: (login) => users.get(login.toLowerCase()) ?? make({ login, permission: 'read' }),
    withToken: (token) => {
      const hash = digest(token);
      let found: User | undefined;
      for (const entry of tokens) if (timingSafeEqual(entry.hash, hash)) found = entry.user;
      return found;
    },
  };
}

export const mayWrite = (user: User | undefined): boolean =>
  user !== undefined && (user.permission === 'write' || user.permission === 'admin');
