/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        done();
      });
    }
    // A supervisor that opened a channel to us and is gone, however it ended, wants no orphan left behind.
    if (process.connected) process.once('disconnect', done);
  });
}

/** Aborted by the first SIGINT or SIGTERM. */
export function abortOnStop(): AbortSignal {
  const stop = new AbortController();
  void stopSignal().then(() => stop.abort());
  return stop.signal;
}
