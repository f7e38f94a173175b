/** Says what is being done, and while one thing takes long, that it still is. */
export type Progress = {
  begin: (what: string) => void;
  /** Nothing is under way. */
  end: () => void;
};

/** On a machine that is busy, silence looks like a fault. `everyMs` is how long nothing is said of one step. */
export function createProgress(note: (line: string) => void, everyMs = 10_000): Progress {
  let timer: NodeJS.Timeout | undefined;
  const end = () => clearInterval(timer);
  return {
    begin(what) {
      end();
      note(`${what} …`);
      const began = performance.now();
      timer = setInterval(
        () => note(`still ${what} (${Math.round((performance.now() - began) / 1000)} s)`),
        everyMs,
      );
    },
    end,
  };
}
