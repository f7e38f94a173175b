import * as assert from 'uvu/assert';
import { breakLines } from '../../../bundle/data/breakLines.ts';
import { dataSections, documentSizes, nothing } from '../../../bundle/data/dataSections.ts';
import { mostWholeBytes } from '../../../bundle/data/documentLimits.ts';
import { createLineScan, scanLines } from '../../../bundle/data/scanLines.ts';
import { suite } from '../../_suite.ts';

const test = suite('scanLines');

const good = `{"apis":{"a":{"description":"x \\u2028 \\" \\n \\u0000 é"}},
"credentials":{"jwt_subjects":{"i|a\\"b":"service:x","i|aa":"service:y"}},
"documents":{"empty":{},"tenants":{
"acme":{"regions":["eu"]},
"grants":{"principals":{}},
"x\\"y":1
}},
"grants":{"a":{
"group:g":[{"expires":1,"id":"one","operations":["get"]},{"id":"two","operations":[]}],
"user:u":[{"conditions":{"mfa":true},"id":"three","operations":["get"]}]
},"b":{
"user:u":[{"id":"four","operations":["get"]}]
}},"networks":{},"principals":{
"user:u":{"active":false,"groups":[]}
}}`;
const empty = '{"apis":{},\n"credentials":{},\n"grants":{},"networks":{},"principals":{}}';

test('takes the line form and counts its grants', () => {
  assert.is(scanLines(Buffer.from(good)).grants, 4);
  assert.is(scanLines(Buffer.from(empty)).grants, 0);
});

test('gives the same for bytes that come one by one as for all at once', () => {
  for (const text of [good, empty]) {
    const whole = Buffer.from(text);
    const data = Buffer.alloc(whole.length);
    const scan = createLineScan(data);
    for (let filled = 1; filled <= whole.length; filled += 1) {
      whole.copy(data, filled - 1, filled - 1, filled);
      scan.advance(filled);
    }
    assert.equal(scan.finish(), scanLines(whole));
  }
});

test('finds data documents, and keeps the text of small ones', () => {
  const data = Buffer.from(good);
  assert.equal(scanLines(data).documents, [
    { name: 'empty', first: 0, end: 0, whole: '{}' },
    {
      name: 'tenants',
      first: 0,
      end: 3,
      whole: '{"acme":{"regions":["eu"]},"grants":{"principals":{}},"x\\"y":1}',
    },
  ]);
  const found = dataSections(data);
  const { start, end } = found.documents.get('tenants') ?? nothing;
  assert.is(
    data.toString('utf8', start, end),
    good.slice(good.indexOf('"acme"'), good.indexOf('\n}},\n"grants"')),
  );
  assert.equal([...found.grants.keys()], ['a', 'b']);
  assert.equal([...documentSizes(data).keys()], ['empty', 'tenants']);
  // As opa writes it, on one line.
  assert.is(breakLines(Buffer.from(`${good.replaceAll('\n', '')}\n`)).toString(), good);
});

test('keeps no text of a large document', () => {
  const large = good.replace('"acme":{"regions":["eu"]}', `"acme":"${'x'.repeat(mostWholeBytes)}"`);
  assert.is(scanLines(Buffer.from(large)).documents[1]?.whole, null);
});

const broken: readonly (readonly [what: string, from: string, to: string])[] = [
  ['a space', '"id":"one"', '"id": "one"'],
  ['a line feed inside an entry', '},{"id":"two"', '},\n{"id":"two"'],
  ['a missing line feed between entries', '],\n"user:u":[{"conditions"', '],"user:u":[{"conditions"'],
  ['a carriage return', ',\n"user:u"', ',\r\n"user:u"'],
  ['entries out of order', '"group:g"', '"zroup:g"'],
  ['an entry given twice', '"group:g"', '"user:u"'],
  ['APIs out of order', '"b":{\n', '"A":{\n'],
  ['keys of a grant out of order', '"expires":1,"id":"one"', '"id":"one","expires":1'],
  ['a key of a grant given twice', '"expires":1,', '"expires":1,"expires":2,'],
  [
    'keys with escapes out of order',
    '"i|a\\"b":"service:x","i|aa":"service:y"',
    '"i|aa":"service:y","i|a\\"b":"service:x"',
  ],
  ['entries with escapes out of order', '"group:g"', '"user:v\\""'],
  ['a key with an escape that is not needed', '"group:g"', '"grou\\u0070:g"'],
  ['an escape where none is needed', '"id":"one"', '"id":"\\u006fne"'],
  ['an escaped slash', '"id":"one"', '"id":"o\\/ne"'],
  ['upper-case hexadecimal', '\\u2028', '\\u202A'],
  ['a line separator as it is', '\\u2028', '\u2028'],
  ['a short escape spelt long', '\\n \\u0000', '\\u000a \\u0000'],
  ['a control character', '"id":"one"', '"id":"o\tne"'],
  ['a number in another spelling', '"expires":1', '"expires":1.0'],
  ['a number with an exponent', '"expires":1', '"expires":1e3'],
  ['a leading zero', '"expires":1', '"expires":01'],
  ['minus zero', '"expires":1', '"expires":-0'],
  ['null', '"expires":1', '"expires":null'],
  ['an entry without grants', '[{"id":"four","operations":["get"]}]', '[]'],
  ['an entry that is an object', '[{"id":"four","operations":["get"]}]', '{"id":"four"}'],
  ['a principal that is a list', '{"active":false,"groups":[]}', '[]'],
  ['a missing part', '"networks":{},', ''],
  ['entries of a document out of order', '"acme":', '"zcme":'],
  ['an entry of a document given twice', '"acme":', '"grants":'],
  ['documents out of order', '"empty":{}', '"zmpty":{}'],
  ['a name of a document with an escape', '"empty":{}', '"a\\"b":{}'],
  ['a document that is a list', '"empty":{}', '"empty":[]'],
  ['null in a document', '"x\\"y":1', '"x\\"y":null'],
  ['two entries of a document on one line', '},\n"x\\"y"', '},"x\\"y"'],
  ['a part too many', '"networks":{},', '"more":{},"networks":{},'],
  ['something after the end', '}}', '}}{}'],
  ['a bracket that does not close', '"groups":[]', '"groups":['],
  ['deep nesting', '"groups":[]', `"groups":${'['.repeat(40)}${']'.repeat(40)}`],
];
for (const [what, from, to] of broken)
  test(`refuses ${what}`, () => {
    assert.ok(good.includes(from));
    // The last one found, so that "the end" is the end.
    const at = good.lastIndexOf(from);
    const bytes = Buffer.from(good.slice(0, at) + to + good.slice(at + from.length));
    let code = '';
    try {
      scanLines(bytes);
    } catch (error) {
      code = (error as { code: string }).code;
    }
    assert.is(code, 'data-malformed');
  });

test('refuses bytes that are not UTF-8, and each truncation', () => {
  assert.throws(() => scanLines(Buffer.concat([Buffer.from(good), Buffer.from([0xff])])), /not UTF-8/);
  for (let length = 0; length < Buffer.byteLength(good); length++)
    assert.throws(() => scanLines(Buffer.from(good).subarray(0, length)), /data.json is not in line form/);
});
