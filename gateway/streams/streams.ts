import type { Admission } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import { firstEnd } from '../decision/firstEnd.ts';
import type { Lapsed } from '../decision/lapse.ts';
import { stillProved } from '../identity/identify.ts';
import { createOpenList } from '../memory/openList.ts';
import { sameLines } from '../revision/slices.ts';
import type { Snapshot } from '../revision/snapshot.ts';

/** Why an open stream was closed. */
export type CloseReason = 'revoked' | 'expired' | 'credential-expired' | 'shutdown' | Lapsed;

/** A request whose answer is still under way, or an upgraded connection. */
export type Stream = {
  /** By which it was let in. */
  readonly admission: Admission;
  /** An upgraded connection: it has no end of its own that a shutdown could wait for. */
  readonly upgraded: boolean;
  readonly close: (reason: CloseReason) => void;
};

/** The streams open at the moment, so that a revocation reaches them too. */
export type Streams = {
  /** Call the result when the stream has ended. */
  add(stream: Stream): () => void;
  /** A revision came into force: decides again the streams whose lines it changed, and closes what it denies. */
  revise(next: Enforcement): void;
  /** Closes what ended by time: credentials, and grants that no other grant stands in for. Call it every second. */
  sweep(next: Enforcement): void;
  /**
   * At a shutdown: the upgraded ones first, the rest when the time to drain is over. And all of them when nobody may
   * decide any more.
   */
  closeAll(which: 'upgraded' | 'all', reason?: 'shutdown' | Lapsed): void;
  /** Closes as revoked what must not stay. */
  close(mayStay: (admission: Admission) => boolean): void;
  readonly size: number;
};

/** A stream that was closed, the revision that let it in, and the one in force when it ended. */
export type ClosedStream = {
  admission: Admission;
  admittedBy: string;
  closedBy: string;
  reason: CloseReason;
};

/** A stream, the revision that let it in, and the admission that it goes on by, which follows later revisions. */
type Open = { readonly stream: Stream; readonly admittedBy: string; admission: Admission; over: () => void };

type Options = {
  /** Milliseconds since 1970. */
  now: () => number;
  onClose: (closed: ClosedStream) => void;
  /** A stream was decided again, as the lines it rests on had changed or a grant had ended. */
  onDecided?: () => void;
  /** One could not be put on record, or not be ended as it should: that must keep no other one open. */
  onFailure: (error: unknown) => void;
};

export function createStreams({ now, onClose, onDecided, onFailure }: Options): Streams {
  const open = createOpenList<Open>();
  const attempt = (what: () => void) => {
    try {
      what();
    } catch (error) {
      onFailure(error);
    }
  };
  const close = (entry: Open, reason: CloseReason, by: Enforcement) => {
    const { stream, admittedBy, admission } = entry;
    entry.over();
    attempt(() => onClose({ admission, admittedBy, closedBy: by.snapshot.revision, reason }));
    attempt(() => stream.close(reason));
  };

  /** Whether the stream would be admitted at this moment; if so it goes on under the revision that said so. */
  const stillAllowed = (entry: Open, by: Enforcement): boolean => proved(() => admittedBy(entry, by));
  const admittedBy = (entry: Open, by: Enforcement): boolean => {
    const { admission } = entry;
    onDecided?.();
    const route = by.route(admission.canonical);
    if (route === null || route.api !== admission.route.api || route.operation !== admission.route.operation)
      return false;
    const decision = by.decide({
      identity: admission.identity,
      route,
      method: admission.canonical.method,
      networks: by.networksOf(admission.address),
      path: admission.canonical.path,
      headers: admission.headers,
      time: Math.floor(now() / 1000),
    });
    if (!decision.result.allow) return false;
    entry.admission = { ...admission, decision, enforcement: by };
    return true;
  };

  /** Puts a stream under the next revision, or closes it; says whether it goes on. */
  const review = (entry: Open, next: Enforcement, untouchedBy: Untouched): boolean => {
    const { admission } = entry;
    const { identity, route } = admission;
    // Not what the caller may do, but what says who it is, was taken away.
    if (!proved(() => stillProved(identity, route.api, next.snapshot))) {
      close(entry, 'revoked', next);
      return false;
    }
    if (proved(() => untouchedBy(admission, next))) entry.admission = { ...admission, enforcement: next };
    else if (!stillAllowed(entry, next)) {
      close(entry, 'revoked', next);
      return false;
    }
    return true;
  };

  return {
    add(stream) {
      const { admission } = stream;
      const admittedBy = admission.enforcement.snapshot.revision;
      const entry: Open = { stream, admittedBy, admission, over: () => undefined };
      entry.over = open.add(entry);
      return entry.over;
    },
    revise(next) {
      const untouched = createUntouched();
      for (const entry of open.items()) review(entry, next, untouched);
    },
    sweep(next) {
      const seconds = now() / 1000;
      const untouched = createUntouched();
      for (const entry of open.items()) {
        // Decided just before a swap, and open only since: the swap did not see it.
        if (entry.admission.enforcement !== next && !review(entry, next, untouched)) continue;
        const { identity, decision } = entry.admission;
        if (identity.expiresAt !== null && identity.expiresAt <= seconds)
          close(entry, 'credential-expired', next);
        else if (firstEnd(decision) <= seconds && !stillAllowed(entry, next)) close(entry, 'expired', next);
      }
    },
    closeAll(which, reason = 'shutdown') {
      for (const entry of open.items())
        if (which === 'all' || entry.stream.upgraded) close(entry, reason, entry.admission.enforcement);
    },
    close(mayStay) {
      for (const entry of open.items())
        if (!proved(() => mayStay(entry.admission))) close(entry, 'revoked', entry.admission.enforcement);
    },
    get size() {
      return open.size;
    },
  };
}

/** Whether a revision changed nothing that an admission rests on. */
type Untouched = (admission: Admission, next: Enforcement) => boolean;

/** Compares once for all streams of a caller at an API: thousands may be open. */
function createUntouched(): Untouched {
  const known = new Map<Snapshot, Map<string, boolean>>();
  return ({ enforcement, route, identity }, next) => {
    const before = enforcement.snapshot;
    const same = () =>
      sameLines(before, next.snapshot, route.api, identity.subject, identity.groups ?? undefined);
    // A token's groups are part of the question; a directory's are among the lines compared.
    if (identity.groups !== null) return same();
    const answers = known.get(before) ?? new Map<string, boolean>();
    known.set(before, answers);
    const key = `${route.api} ${identity.subject}`;
    const answer = answers.get(key) ?? same();
    answers.set(key, answer);
    return answer;
  };
}

/** What throws proves nothing; the other streams must still be looked at. */
function proved(question: () => boolean): boolean {
  try {
    return question();
  } catch {
    return false;
  }
}
