// The parts of undici that carry requests, each by its file: its index loads fetch, WebSockets, caches and mocks besides,
// three quarters of its time. Types are those of the index, which alone gives a client its verbs (`request` and others)
// beside `dispatch`.
declare module 'undici/lib/core/connect.js' {
  export { buildConnector as default } from 'undici';
}
declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici';
  export = errors;
}
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';

  type Part = Omit<Client, 'connect' | 'pipeline' | 'request' | 'stream' | 'upgrade'>;
  const Part: new (...options: ConstructorParameters<typeof Client>) => Part;
  export default Part;
}
