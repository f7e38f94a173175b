import { z } from 'zod';

const host = String.raw`(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])`;
const originForm = new RegExp(String.raw`^(?:\*|https?://${host}(?::[1-9][0-9]{0,4})?)$`);
/** Browsers leave out the port that a scheme has anyway, so an origin with it would never be met. */
const withUsualPort = /^(?:https:.*:443|http:.*:80)$/;

const origin = z
  .string()
  .regex(originForm, { error: 'must be an origin like "https://app.shop.example", or "*"' })
  .refine((value) => !withUsualPort.test(value), { error: 'must leave out the port that its scheme has' });

const headerName = z
  .string()
  .regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/, {
    error: 'must be a header name in lower case like "content-type"',
  })
  .refine((value) => value !== '*', { error: 'must be a name: "*" would not mean authorization' });

const names = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .min(1, { error: 'must name at least one' })
    .max(100)
    .refine((items) => new Set(items).size === items.length, { error: 'must not name one twice' });

/** Which pages of other origins may call an API from a browser. Methods are those of its operations. */
export const cors = z
  .strictObject({
    origins: names(origin).describe('The origins, like `https://app.shop.example`; `*` alone means any.'),
    headers: names(headerName)
      .optional()
      .describe('Request headers that pages may set, like `authorization` and `content-type`.'),
    expose: names(headerName).optional().describe('Headers of answers that pages may read.'),
    max_age: z
      .int()
      .min(0)
      .max(86_400)
      .default(600)
      .describe('For how many seconds browsers may remember the answer to a preflight.'),
    credentials: z
      .boolean()
      .default(false)
      .describe('Whether cookies and certificates may be sent along; not with `*`.'),
  })
  .refine(({ origins }) => !origins.includes('*') || origins.length === 1, {
    error: 'must name "*" alone, or origins',
  })
  .refine(({ origins, credentials }) => !credentials || !origins.includes('*'), {
    error: 'must name its origins where credentials are sent: any page could act as its reader',
  });
