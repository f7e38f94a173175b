// It stands in each page as it is here, and the pages' policy names its hash. All works without it, but keys and the
// live view. What a gateway says becomes text, never markup.
export const script = `
const search = document.querySelector('#q');
const links = [...document.querySelectorAll('header nav a')];
let going = -1e4;
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches('input, select, textarea')) { if (event.key === 'Escape') event.target.blur(); return; }
  const link = links.find((one) => one.dataset.key === event.key);
  if (performance.now() - going < 1500 && link) { going = -1e4; link.click(); }
  else if (event.key === '/') { event.preventDefault(); search.focus(); search.select(); }
  else if (event.key === '?') { const keys = document.querySelector('#keys'); keys.open = true; keys.querySelector('summary').focus(); }
  else if (event.key === 'g') going = performance.now();
  else if (event.key === 'j' || event.key === 'k') {
    const rows = [...document.querySelectorAll('main tbody tr')].map((row) => row.querySelector('a, button, summary')).filter((one) => one !== null);
    const at = rows.findIndex((one) => one.closest('tr') === document.activeElement.closest('tr'));
    rows[event.key === 'j' ? at + 1 : Math.max(0, at - 1)]?.focus();
  }
});
const live = document.querySelector('#live');
if (live !== null) {
  const body = live.querySelector('tbody');
  const state = document.querySelector('#state');
  const pause = document.querySelector('#pause');
  const known = new Set([...body.rows].map((row) => row.dataset.id));
  let paused = false, held = [], count = 0, missed = 0;
  const say = (what) => { state.textContent = what + (count > 0 ? ', ' + count + ' new' : '') + (held.length > 0 ? ', ' + held.length + ' held back' : '') + (missed > 0 ? ', ' + missed + ' missed' : ''); };
  const add = ({ id, allow, cells }) => {
    const row = body.insertRow(0);
    row.dataset.id = id;
    cells.forEach((text, index) => {
      const cell = row.insertCell();
      cell.textContent = text;
      cell.className = index === 0 ? 'time' : index === 1 ? (allow ? 'yes' : 'no') : '';
    });
    while (body.rows.length > 500) { known.delete(body.rows[500].dataset.id); body.deleteRow(500); }
  };
  const source = new EventSource(live.dataset.stream);
  source.onopen = () => say('following');
  source.onerror = () => say('the stream has ended, trying again');
  source.onmessage = (event) => {
    const told = JSON.parse(event.data);
    if (told.missed) { missed += told.missed; return say('following'); }
    if (known.has(told.id)) return;
    known.add(told.id);
    count += 1;
    if (paused) { held.push(told); if (held.length > 500) held.shift(); } else add(told);
    say(paused ? 'paused' : 'following');
  };
  pause.hidden = false;
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    if (!paused) { held.forEach(add); held = []; }
    say(paused ? 'paused' : 'following');
  });
}
`;
