/** A header's name as CGI-like servers have it, which cannot tell `-`, `_` and `.` apart. */
export const spelledAlike = (name: string): string => name.toLowerCase().replaceAll(/[_.]/g, '-');
