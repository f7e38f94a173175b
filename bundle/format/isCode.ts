/** Whether something thrown is an error of this code, as the file system and Node give them: `ENOENT`. */
export const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
