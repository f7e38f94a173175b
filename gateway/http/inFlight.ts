import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Which answers each connection owes. */
export type InFlight = {
  /** A request has come that gets this answer. */
  begin(socket: Socket, response: ServerResponse): void;
  /** The answer that is being made or sent: the first one owed, as they go out in the order of their requests. */
  answer(socket: Socket): ServerResponse | null;
};

/** Looks at the answers themselves when it is asked, which is seldom: to be told of each end would cost each request. */
export function createInFlight(): InFlight {
  const owed = new WeakMap<Socket, ServerResponse[]>();
  const first = (answers: ServerResponse[]): ServerResponse | null => {
    while (answers[0]?.writableFinished === true) answers.shift();
    return answers[0] ?? null;
  };
  return {
    begin(socket, response) {
      const answers = owed.get(socket);
      if (answers === undefined) owed.set(socket, [response]);
      else if (first(answers) === null) answers[0] = response;
      else answers.push(response);
    },
    answer(socket) {
      const answers = owed.get(socket);
      return answers === undefined ? null : first(answers);
    },
  };
}
