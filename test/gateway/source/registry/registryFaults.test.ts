import * as assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import type { Bundle } from '../../../../bundle/archive/bundle.ts';
import { imageName, parseImage } from '../../../../gateway/source/contract/parseImage.ts';
import { type Source, SourceError } from '../../../../gateway/source/contract/source.ts';
import { digestOf, imageOf } from '../../../../gateway/source/registry/imageManifest.ts';
import { type OciSourceOptions, ociSource } from '../../../../gateway/source/registry/ociSource.ts';
import { readChallenge } from '../../../../gateway/source/registry/readChallenge.ts';
import { suite } from '../../../_suite.ts';

const test = suite('registryFaults');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const archive = Buffer.from('<an archive>');
const { manifest } = imageOf(archive, { revision: 'a'.repeat(40), created: '2026-11-23T10:00:00Z' });
const user = { username: 'grantgate', password: 's3cret-password' };

let registry: Server;
let store: Server;
let [registryOrigin, storeOrigin] = ['', ''];
let answers: Record<string, Answer> = {};
let storeAnswer: Answer;
let requests: IncomingMessage[] = [];
let stored: IncomingMessage[] = [];
let source: Source | null = null;

const listen = async (answer: Answer): Promise<[Server, string]> => {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
};
test.before(async () => {
  [registry, registryOrigin] = await listen((request, response) => {
    requests.push(request);
    const kind = request.url?.startsWith('/token') ? 'token' : request.url?.split('/')[3];
    (answers[`${request.method} ${kind}`] ?? answers[kind ?? ''] ?? send('', 404))(request, response);
  });
  [store, storeOrigin] = await listen((request, response) => {
    stored.push(request);
    storeAnswer(request, response);
  });
});
test.after(() => {
  for (const server of [registry, store]) {
    server.closeAllConnections();
    server.close();
  }
});
test.before.each(() => {
  [requests, stored] = [[], []];
  answers = { ...good };
  storeAnswer = send(archive);
});
test.after.each(async () => source?.close());

const send =
  (body: Buffer | string, status = 200, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
const good: Record<string, Answer> = {
  manifests: send(manifest, 200, { 'docker-content-digest': digestOf(manifest) }),
  blobs: send(archive),
};
const elsewhere: Answer = (_, response) =>
  response.writeHead(307, { location: `${storeOrigin}/layer?sig=1` }).end();
const challenge = (realm: string): Answer =>
  send('', 401, { 'www-authenticate': `Bearer realm="${realm}",service="registry"` });
const manifestWith = (change: object): Answer => {
  const bytes = Buffer.from(JSON.stringify({ ...JSON.parse(manifest.toString()), ...change }));
  return send(bytes, 200, { 'docker-content-digest': digestOf(bytes) });
};

const open = (more: Partial<OciSourceOptions> = {}, reference = ':main'): Source => {
  source = ociSource({
    image: parseImage(`oci://${new URL(registryOrigin).host}/access${reference}`),
    verify: async (bytes) => ({ revision: bytes.toString() }) as Bundle,
    timeoutMs: 60_000,
    ...more,
  });
  return source;
};
const next = (from: Source) => from.next({ signal: new AbortController().signal });
const take = async (from: Source) => {
  const found = await next(from);
  found?.acknowledge(null);
  return found?.bundle.revision ?? null;
};

test('asks for a manifest beforehand, then for it and its layer, and for neither as long as it stays', async () => {
  const from = open();
  assert.equal(await take(from), '<an archive>');
  assert.equal(await take(from), null);
  assert.deepEqual(
    requests.map(({ method, url }) => `${method} ${url}`),
    [
      'HEAD /v2/access/manifests/main',
      `GET /v2/access/manifests/${digestOf(manifest)}`,
      `GET /v2/access/blobs/${digestOf(archive)}`,
      'HEAD /v2/access/manifests/main',
    ],
  );
});

test('manages with a registry that tells no digests', async () => {
  answers.manifests = send(manifest);
  const from = open();
  assert.equal(await take(from), '<an archive>');
  assert.equal(await take(from), null);
});

/** An index of images, and the images. */
const indexOf = (...images: Buffer[]): Answer => {
  const described = images.map((each) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(each),
    size: each.length,
  }));
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: described }));
  const all = new Map([index, ...images].map((each) => [digestOf(each), each]));
  return (request, response) => {
    const bytes = all.get(request.url?.split('/').at(-1) ?? '') ?? index;
    send(bytes, 200, { 'docker-content-digest': digestOf(bytes) })(request, response);
  };
};
const without = Buffer.from(manifest.toString().replace('layer.v1.tar+gzip', 'layer.v1.tar'));
const circle = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [] }));
const huge = [
  { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(archive), size: 1e9 },
];
const faults: [string, () => void, string][] = [
  [
    'other bytes for the manifest',
    () => {
      answers['GET manifests'] = send(`${manifest} `);
    },
    'source-digest',
  ],
  [
    'other bytes of the same length for the layer',
    () => {
      answers.blobs = send('<en archive>');
    },
    'source-digest',
  ],
  [
    'a longer layer than it said',
    () => {
      answers.blobs = send(`${archive}more`);
    },
    'source-too-large',
  ],
  [
    'a layer above the limit',
    () => {
      answers.manifests = manifestWith({ layers: huge });
    },
    'source-too-large',
  ],
  [
    'a layer of another type',
    () => {
      answers.manifests = manifestWith({ layers: [{ ...huge[0], mediaType: 'text/html' }] });
    },
    'source-answer',
  ],
  [
    'an index whose images are no bundles',
    () => {
      answers.manifests = indexOf(without, circle);
    },
    'source-answer',
  ],
  [
    'HTML with status 200',
    () => {
      answers.manifests = send('<html>log in</html>');
    },
    'source-answer',
  ],
  [
    'a manifest without end',
    () => {
      answers['GET manifests'] = send(Buffer.alloc(5 * 2 ** 20));
    },
    'source-too-large',
  ],
  [
    'a layer elsewhere',
    () => {
      answers.blobs = elsewhere;
    },
    'source-redirected',
  ],
  [
    '401 without a challenge',
    () => {
      answers.manifests = send('', 401);
    },
    'source-unauthorized',
  ],
  [
    'a challenge that cannot be read',
    () => {
      answers.manifests = send('', 401, { 'www-authenticate': 'Bearer realm="x' });
    },
    'source-unauthorized',
  ],
  [
    'a giver of tokens elsewhere',
    () => {
      answers.manifests = challenge('http://127.0.0.1:9/token');
    },
    'source-redirected',
  ],
  [
    'a token that is none',
    () => {
      answers.manifests = challenge(`${registryOrigin}/token`);
      answers.token = send('{"token":7}');
    },
    'source-answer',
  ],
  [
    'a challenge again and again',
    () => {
      answers.manifests = challenge(`${registryOrigin}/token`);
      answers.token = send('{"token":"t"}');
    },
    'source-unauthorized',
  ],
  [
    '429',
    () => {
      answers.manifests = send('', 429, { 'retry-after': '7' });
    },
    'source-unreachable',
  ],
  [
    'silence',
    () => {
      answers.blobs = () => {};
    },
    'source-timeout',
  ],
];
for (const [what, prepare, code] of faults)
  test(`refuses ${what}, and then takes the image`, async () => {
    prepare();
    const isAwaited = code === 'source-timeout';
    const from = open({ maxBytes: 1e6, credentials: user, ...(isAwaited && { timeoutMs: 3000 }) });
    await assert.rejects(
      next(from),
      (error: { code?: string }) => error.code === code || assert.fail(`${error.code}: ${error}`),
    );
    assert.equal(stored.length, 0);
    answers = { ...good };
    assert.equal(await take(from), '<an archive>');
  });

test('finds the bundle in an index of images, as OPA does, and asks for no more than a few', async () => {
  answers.manifests = indexOf(without, circle, manifest);
  const from = open();
  assert.equal(await take(from), '<an archive>');
  assert.equal(await take(from), null);
  await from.close();
  requests = [];
  answers.manifests = indexOf(
    ...Array.from({ length: 200 }, (_, n) => Buffer.from(`${without}${' '.repeat(n)}`)),
  );
  await assert.rejects(next(open()), { code: 'source-answer' });
  assert.ok(requests.length < 20);
});

test('holds to the digest it is given, whatever the registry serves under it', async () => {
  answers['GET manifests'] = manifestWith({ annotations: {} });
  await assert.rejects(next(open({}, `@${digestOf(manifest)}`)), { code: 'source-digest' });
});

test('follows a layer to a named store without its credentials, and answers no challenge from there', async () => {
  const token: Answer = (request, response) =>
    request.headers.authorization?.startsWith('Basic ')
      ? send('{"token":"a-token"}')(request, response)
      : send('', 401)(request, response);
  const guarded =
    (answer: Answer): Answer =>
    (request, response) =>
      request.headers.authorization === 'Bearer a-token'
        ? answer(request, response)
        : challenge(`${registryOrigin}/token`)(request, response);
  answers = { manifests: guarded(good.manifests ?? send('')), blobs: guarded(elsewhere), token };
  const more = { credentials: user, redirectOrigins: [storeOrigin] };
  assert.equal(await take(open(more)), '<an archive>');
  assert.deepEqual(
    stored.map(({ headers, url }) => [url, headers.authorization]),
    [['/layer?sig=1', undefined]],
  );
  await source?.close();

  storeAnswer = challenge(`${storeOrigin}/token`);
  stored = [];
  await assert.rejects(next(open(more)), { code: 'source-unauthorized' });
  assert.equal(stored.length, 1);
});

test('sends a token as it is, and never goes for another', async () => {
  answers.manifests = challenge(`${registryOrigin}/token`);
  await assert.rejects(next(open({ credentials: { token: 'mine' } })), { code: 'source-unauthorized' });
  assert.deepEqual(
    requests.map(({ headers }) => headers.authorization),
    ['Bearer mine'],
  );
});

test('reads the addresses of images, and no other', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const [address, name, origin] of [
    ['oci://r.example/northwind/access', 'oci://r.example/northwind/access:latest', 'https://r.example'],
    [
      'oci://r.example:5000/a/b__c/d-e:v1.2',
      'oci://r.example:5000/a/b__c/d-e:v1.2',
      'https://r.example:5000',
    ],
    [`oci://r.example/a:v1@${digest}`, `oci://r.example/a@${digest}`, 'https://r.example'],
    ['oci://localhost:5000/a:b', 'oci://localhost:5000/a:b', 'http://localhost:5000'],
    ['oci://[::1]:5000/a:b', 'oci://[::1]:5000/a:b', 'http://[::1]:5000'],
  ] as const) {
    const image = parseImage(address);
    assert.deepEqual([imageName(image), image.origin], [name, origin]);
    assert.deepEqual(parseImage(imageName(image)).repository, image.repository);
  }
  for (const address of [
    'oci://',
    'oci://r.example',
    'oci://r.example/',
    'oci://user:pass@r.example/a',
    'oci://r.example/UPPER',
    'oci://r.example/a/../b',
    'oci://r.example/a//b',
    'oci://r.example/a:-tag',
    'oci://r.example/a@sha256:abc',
    `oci://r.example/a@sha512:${'a'.repeat(128)}`,
    'oci://r.example/a?x=1',
    'oci://r.example/a#b',
    `oci://r.example/${'a-'.repeat(10_000)}`,
  ])
    assert.throws(() => parseImage(address), { code: 'source-invalid' }, address);
});

test('reads challenges, and guesses at none', () => {
  const bearer = {
    scheme: 'bearer',
    realm: 'https://t.example/x',
    service: 's',
    scope: 'repository:a:pull,push',
  };
  for (const [header, expected] of [
    ['Bearer realm="https://t.example/x",service="s",scope="repository:a:pull,push"', bearer],
    ['bearer Scope="repository:a:pull,push" , service=s, realm="https://t.example/x"', bearer],
    ['Basic realm="northwind"', { scheme: 'basic' }],
    ['Basic', { scheme: 'basic' }],
    [
      'Basic realm="x", Bearer realm="https://t.example/x",service="s",scope="repository:a:pull,push"',
      bearer,
    ],
    [['Basic realm="x"', 'Bearer realm="https://t.example/x"'], { ...bearer, service: null, scope: null }],
    ['Negotiate', null],
    ['Bearer service="s"', null],
    ['Bearer realm="x', null],
    ['', null],
    [undefined, null],
    [`Bearer realm="${'x'.repeat(9000)}"`, null],
  ] as const)
    assert.deepEqual(readChallenge(header), expected, String(header));
});

test('an address says the same after it was shown, and hostile text is refused or read, never worse', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,9}$/);
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
  const digest = fc.option(fc.stringMatching(/^[0-9a-f]{64}$/));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), tag, digest, (parts, name, hex) => {
      const at = hex === null ? '' : `@sha256:${hex}`;
      const image = parseImage(`oci://r.example:5000/${parts.join('/')}:${name}${at}`);
      const again = parseImage(imageName(image));
      assert.deepEqual([again.repository, again.digest], [image.repository, image.digest]);
      if (hex === null) assert.equal(again.tag, name);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      readChallenge(text);
      readChallenge(`Bearer realm="https://t.example",${text}`);
      try {
        const { origin } = parseImage(`oci://${text}`);
        assert.ok(/^https:\/\//.test(origin) || /^http:\/\/(?:localhost|127\.|\[::1\])/.test(origin), origin);
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
      }
    }),
  );
});
