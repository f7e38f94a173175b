import { z } from 'zod';
import { claimPath, parameterName } from './params.ts';

const form = (what: string, pattern: RegExp) =>
  z.string({ error: `must be ${what}` }).regex(pattern, { error: `must be ${what}` });

const factName = form('a name like "country"', /^[a-z][a-z0-9_]{0,39}$/);

/** Whatever stands around them, these are in the names of headers that prove who calls. */
const proofs =
  'token|secret|passw|passphrase|username|userinfo|cookie|session|apikey|jwt|bearer|credential|assert|signature|csrf|xsrf|saml|oauth';
/** By their words: what proves who calls, says so in somebody's name, or is a word to the next hop. */
const credentials = new RegExp(
  `^(?:${[
    `(?:.*-)?(?:[a-z0-9]*(?:${proofs})[a-z0-9]*|auth|authn|authz|authorization|authenticat[a-z]+|key|sid|otp|pin|pass|pwd|hmac|sig|principal[a-z0-9]*|spiffe|webauth|mtls|ssl|tls|clientcert)(?:-.*)?`,
    '(?:x-)?client-cert.*|(?:x-)?remote(?:-.*)?|x-login',
    'traceparent|tracestate',
    'x-user(?:-.*)?',
    'x-(?:grantgate|forwarded|original|rewrite|method|http-method)(?:-.*)?|forwarded',
    'x-real-ip|true-client-ip|x-client-ip|x-cluster-client-ip',
    'proxy.*|sec-.*|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-length|http2-settings',
    'x-api-.*',
  ].join('|')})$`,
);

/** A header that may be a fact: spelt in one way, and none that carries a credential or somebody's identity. */
const header = form('a header name in lower case like "x-geo-country"', /^[a-z][a-z0-9-]{0,63}$/).refine(
  (name) => !credentials.test(name),
  { error: 'must be no header that carries credentials, says who calls, or is a word to the next hop' },
);

const property = form(
  'a property like "resource.status" (of subject, resource, action or context)',
  /^(?:subject|resource|action|context)\.[A-Za-z](?:[A-Za-z0-9.:/-]|_(?!_)){0,127}$/,
);

const text = form('a text of 1 to 256 characters (a number in quotes)', /^[^\p{Cc}\p{Cs}]{1,256}$/u);

const sources = ['param', 'header', 'claim', 'property'] as const;

const fact = z
  .strictObject({
    param: parameterName.optional().describe('The path parameter it is.'),
    header: header.optional().describe('The request header it is, which must come once and hold one value.'),
    from: z
      .enum(['trusted_proxies', 'caller'], { error: 'must be "trusted_proxies" or "caller"' })
      .optional()
      .describe(
        'Of a header: whose word it is; of `trusted_proxies` one counts that a trusted proxy sent, and from anybody else it is taken away.',
      ),
    claim: claimPath
      .optional()
      .describe("The claim of the caller's token it is, by name or by a path like `device.trust`."),
    property: property
      .optional()
      .describe(
        'What an application that asks by AuthZEN says of it, like `resource.status`; no request has it.',
      ),
    type: z
      .enum(['text', 'number', 'boolean', 'list'], { error: 'must be "text", "number", "boolean" or "list"' })
      .default('text')
      .describe('What its value is; a number is whole, and a list comes from a claim or a property.'),
    values: z
      .array(text)
      .min(1, { error: 'must name at least one' })
      .max(300)
      .refine((items) => new Set(items).size === items.length, { error: 'must not name one twice' })
      .optional()
      .describe('All texts that it may be, or that its list may hold; left out, any.'),
    max_length: z
      .int()
      .min(1)
      .max(1024)
      .default(256)
      .describe('The most characters of a text, or of each in a list.'),
    record: z
      .enum(['value', 'digest'], { error: 'must be "value" or "digest", or left out' })
      .optional()
      .describe(
        'What decision records hold of it: its value, or a digest by which equal ones are known; left out, nothing.',
      ),
  })
  .refine((one) => sources.filter((source) => one[source] !== undefined).length === 1, {
    error: 'must have exactly one of "param", "header", "claim" and "property"',
  })
  .refine((one) => (one.header === undefined) === (one.from === undefined), {
    error:
      'must say whose word a header is ("from: trusted_proxies" or "from: caller"), and "from" of nothing else',
  })
  .refine((one) => one.type !== 'list' || one.claim !== undefined || one.property !== undefined, {
    error: 'must be a claim or a property to be a list',
  })
  .refine((one) => one.values === undefined || one.type === 'text' || one.type === 'list', {
    error: 'must be text, or a list, to have "values"',
  })
  .describe('Where the fact of that name comes from, and what it may be.');

const most = 20;

/** `facts` of an API: name → where a policy's `input.facts.NAME` comes from. */
export const facts = z
  .record(factName, fact)
  .refine((all) => Object.keys(all).length > 0, { error: 'must name at least one' })
  .refine((all) => Object.keys(all).length <= most, { error: `must name ${most} at most` });

export type Fact = z.output<typeof fact>;
