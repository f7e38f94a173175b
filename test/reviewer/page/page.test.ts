import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { barChart } from '../../../reviewer/page/barChart.ts';
import { escapeHtml, Html, html, page } from '../../../reviewer/page/html.ts';
import { lineChart, mostLines, ticks } from '../../../reviewer/page/lineChart.ts';
import { suite } from '../../_suite.ts';

const test = suite('pages');

test('whatever is put into markup is text, unless it is markup; nothing is nothing', () => {
  const hostile = `</p><script>alert("x")</script>'\`\u202e\u0007`;
  assert.equal(
    html`<p title="${hostile}">${[hostile, 1, null, false, html`<b>${'&'}</b>`]}</p>`.text,
    `<p title="${escapeHtml(hostile)}">${escapeHtml(hostile)}1<b>&#38;</b></p>`,
  );
  assert.doesNotMatch(escapeHtml(hostile), /[<>"'`\u202e]|\p{Cc}/u);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(html`${text}`.text, /[<>"'`]|&(?!#\d+;)/);
    }),
  );
});

test('a page may do nothing but what its own style and script say', () => {
  const plain = page({ title: '<t>', style: 'b{}', body: new Html('<b>') });
  assert.match(plain, /default-src &#39;none&#39;; style-src &#39;sha256-[^;]*&#39;; base-uri/);
  assert.doesNotMatch(plain, /<script|script-src|unsafe/);
  assert.match(plain, /<title>&#60;t&#62;<\/title>/);
  assert.match(page({ title: 't', style: '', script: '1', body: html`` }), /script-src &#39;sha256-/);
});

test('the steps of a scale are round, few, and hold the most', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (most) => {
      const scale = ticks(most);
      assert.ok((scale.at(-1) ?? 0) >= most * (1 - 1e-9));
      assert.ok(scale.length >= 2 && scale.length <= 8, scale.join());
      assert.ok(ticks(most, true).every(Number.isInteger));
    }),
  );
  assert.deepEqual(
    [ticks(0), ticks(4), ticks(184)],
    [
      [0, 1],
      [0, 1, 2, 3, 4],
      [0, 50, 100, 150, 200],
    ],
  );
  assert.deepEqual(
    [ticks(0.12), ticks(1, true), ticks(10, true)],
    [
      [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12],
      [0, 1],
      [0, 2, 4, 6, 8, 10],
    ],
  );
});

test('a chart stays in its frame, leaves gaps, and says how many lines it leaves out', () => {
  const points = [5, null, 3].map((value, index) => ({ atMs: Date.UTC(2026, 0, 1 + index), value }));
  const one = lineChart('A & B', [{ name: '<x>', points }]).text;
  assert.match(one, /<figcaption>A &#38; B</);
  assert.match(one, /d="M52,\d+(?:\.\d+)?ZM548,\d/);
  assert.equal(one.match(/<circle/g)?.length, 2);
  assert.match(one, /&#60;x&#62;, 2026-01-03: 3/);
  const many = lineChart(
    'Many',
    Array.from({ length: mostLines + 2 }, (_, i) => ({ name: `n${i}`, points })),
  );
  assert.match(many.text, /and 2 more/);
  assert.doesNotMatch(
    lineChart('None', []).text + lineChart('Empty', [{ name: 'x', points: [] }]).text,
    /NaN|Infinity/,
  );
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(1e6), { nil: null }), { maxLength: 20 }), (values) => {
      const line = { name: 'x', points: values.map((value, atMs) => ({ atMs, value })) };
      for (const [, x, y] of lineChart('t', [line]).text.matchAll(/cx="([^"]*)" cy="([^"]*)"/g))
        assert.ok(Number(x) >= 0 && Number(x) <= 560 && Number(y) >= 0 && Number(y) <= 200);
    }),
  );
});

test('bars say in words what they draw, and draw nothing of nothing', () => {
  const bars = barChart('Found', [
    { label: '<a>', value: 2 },
    { label: 'b', value: 0 },
  ]).text;
  assert.match(bars, /aria-label="Found: &#60;a&#62; 2, b 0"/);
  assert.equal(bars.match(/<rect /g)?.length, 2);
  assert.match(barChart('Found', []).text, /nothing to show/);
});
