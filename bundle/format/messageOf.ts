/** What was thrown says, whatever it was: libraries throw strings and plain objects too. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
