// The page's only script: zooms the time axis, searches the flows. Everything else on the page works without it.

export const SCRIPT = String.raw`
'use strict';
const SVG = 'http://www.w3.org/2000/svg';
const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// Time axis. Only the plot is stretched; labels keep their shape and are moved.
const figure = document.querySelector('figure.time');
if (figure) {
  const end = Number(figure.dataset.end);
  const drawings = [...figure.querySelectorAll('svg.timeline')].map((svg) => ({
    svg,
    plot: svg.querySelector('svg.plot'),
    gutter: Number(svg.dataset.gutter),
    width: Number(svg.dataset.plot),
    base: Number(svg.dataset.base),
  }));
  const steps = (from, to, count) => {
    const rough = (to - from) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const first = Math.ceil(from / step);
    return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, index) => (first + index) * step);
  };
  let shown = [0, end];
  const show = (from, until) => {
    const length = Math.min(end, Math.max(100, until - from));
    const start = Math.min(Math.max(0, from), end - length);
    shown = [start, start + length];
    for (const { svg, plot, gutter, width, base } of drawings) {
      const full = (t) => (t / end) * width;
      const place = (t) => ((t - start) / length) * width;
      plot.setAttribute('viewBox', [full(start), 0, full(length), base].join(' '));
      for (const text of svg.querySelectorAll('[data-t]')) {
        const x = place(Number(text.dataset.t));
        text.setAttribute('x', gutter + Math.max(0, x) + 4);
        const next = text.nextElementSibling;
        const nextX = next && next.hasAttribute('data-t') ? place(Number(next.dataset.t)) : width;
        const room = Math.min(width, nextX) - Math.max(0, x);
        text.setAttribute('visibility', room < text.getComputedTextLength() + 8 ? 'hidden' : 'visible');
      }
      const ticks = steps(start / 1000, (start + length) / 1000, width / 70);
      svg.querySelector('.axis').replaceChildren(
        ...ticks.map((second) => {
          const text = document.createElementNS(SVG, 'text');
          text.setAttribute('x', gutter + place(second * 1000));
          text.setAttribute('y', base + 16);
          text.textContent = Number(second.toFixed(3)) + ' s';
          return text;
        }),
      );
      svg.querySelector('.grid').replaceChildren(
        ...ticks.map((second) => {
          const path = document.createElementNS(SVG, 'path');
          path.setAttribute('d', 'M' + full(second * 1000) + ' 20V' + base);
          return path;
        }),
      );
    }
    const isWhole = length >= end;
    for (const button of buttons) {
      const [a, b] = button.range ?? [-1, -1];
      button.setAttribute('aria-pressed', String(Math.abs(a - start) < 1 && Math.abs(b - start - length) < 1));
    }
    for (const button of movers) button.disabled = isWhole;
  };
  const move = (share) => show(shown[0] + share * (shown[1] - shown[0]), shown[1] + share * (shown[1] - shown[0]));
  const zoom = (factor, middle = (shown[0] + shown[1]) / 2) =>
    show(middle - (middle - shown[0]) * factor, middle + (shown[1] - middle) * factor);

  const bar = document.querySelector('[data-zoom]');
  const buttons = [['whole run', 0, end]]
    .concat([...drawings[0].svg.querySelectorAll('text.window-name')].map((text, index, all) => [
      text.textContent,
      Number(text.dataset.t) - (index > 0 ? 500 : 0),
      index + 1 < all.length ? Number(all[index + 1].dataset.t) + 500 : end,
    ]))
    .map(([name, from, until]) => {
      const button = make('button', { type: 'button', textContent: name, onclick: () => show(from, until) });
      button.range = [Math.max(0, from), Math.min(end, until)];
      return button;
    });
  const tool = (name, label, act) => {
    const button = make('button', { type: 'button', textContent: name, onclick: act });
    button.setAttribute('aria-label', label);
    return button;
  };
  const movers = [
    tool('−', 'zoom out', () => zoom(2)),
    tool('◀', 'earlier', () => move(-0.25)),
    tool('▶', 'later', () => move(0.25)),
  ];
  bar.append(...buttons, tool('+', 'zoom in', () => zoom(0.5)), ...movers);
  bar.hidden = false;

  // Dragging over the plot chooses a stretch; a double click shows the whole run again.
  for (const { plot, svg, gutter, width, base } of drawings) {
    const timeAt = (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width - gutter;
      return shown[0] + (Math.min(width, Math.max(0, x)) / width) * (shown[1] - shown[0]);
    };
    let drag = null;
    plot.addEventListener('pointerdown', (event) => {
      if (event.pointerType === 'touch' || event.button !== 0) return;
      const rect = document.createElementNS(SVG, 'rect');
      rect.setAttribute('class', 'chosen');
      rect.setAttribute('height', base);
      plot.append(rect);
      drag = { rect, from: timeAt(event) };
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener('pointermove', (event) => {
      if (!drag) return;
      const [a, b] = [drag.from, timeAt(event)].sort((x, y) => x - y);
      drag.rect.setAttribute('x', (a / end) * width);
      drag.rect.setAttribute('width', ((b - a) / end) * width);
    });
    plot.addEventListener('pointerup', (event) => {
      if (!drag) return;
      const [a, b] = [drag.from, timeAt(event)].sort((x, y) => x - y);
      drag.rect.remove();
      drag = null;
      if (b - a > (shown[1] - shown[0]) / 100) show(a, b);
    });
    plot.addEventListener('dblclick', () => show(0, end));
  }
  show(0, end);
}

// Flows. A search compares each different word once, whatever the number of rows.
const source = document.getElementById('flow-data');
if (source) {
  const { columns, words, rows, colours } = JSON.parse(source.textContent);
  const lower = words.map((word) => word.toLowerCase());
  const body = document.querySelector('#flow-table tbody');
  const filters = document.getElementById('flow-filters');
  const PAGE = 20;
  let page = 0;
  const search = make('input', { type: 'search', placeholder: 'address, port, node, backend …', autocomplete: 'off' });
  const selects = columns.flatMap((column, index) => {
    if (!column.isFilter) return [];
    const values = [...new Set(rows.map((row) => row[index]))].sort((a, b) => (lower[a] < lower[b] ? -1 : 1));
    if (values.length < 2) return [];
    const select = make('select', {}, make('option', { value: '', textContent: 'any' }));
    for (const value of values) select.append(make('option', { value: String(value), textContent: words[value] }));
    return [{ column, index, select }];
  });
  const count = make('output', {});
  const back = make('button', { type: 'button', textContent: 'previous', onclick: () => turn(-1) });
  const on = make('button', { type: 'button', textContent: 'next', onclick: () => turn(1) });

  const matching = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean).map((term) => new Set(lower.flatMap((word, index) => (word.includes(term) ? [index] : []))));
    const wanted = selects.filter(({ select }) => select.value !== '').map(({ index, select }) => [index, Number(select.value)]);
    return rows.filter((row) => wanted.every(([index, value]) => row[index] === value) && terms.every((term) => row.some((word) => term.has(word))));
  };
  const cellOf = (row, column, index) => {
    const text = words[row[index]];
    const cell = make(index === 0 ? 'th' : 'td', { className: column.isNumber ? 'num' : '' });
    cell.setAttribute('role', index === 0 ? 'rowheader' : 'cell');
    if (column.isPath) cell.append(make('span', { className: 'path' }, make('i', { className: 'chip ' + (colours[text] ?? 'pu') }), text));
    else cell.textContent = text;
    return cell;
  };
  const draw = () => {
    const found = matching();
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(Math.max(0, page), pages - 1);
    const part = found.slice(page * PAGE, (page + 1) * PAGE);
    body.replaceChildren(
      ...part.map((row) => {
        const line = make('tr', {}, ...columns.map((column, index) => cellOf(row, column, index)));
        line.setAttribute('role', 'row');
        return line;
      }),
    );
    count.textContent = found.length === 0 ? 'no row fits' : page * PAGE + 1 + '–' + (page * PAGE + part.length) + ' of ' + found.length.toLocaleString('en') + ' rows';
    back.disabled = page === 0;
    on.disabled = page >= pages - 1;
  };
  const turn = (by) => {
    page += by;
    draw();
  };
  const restart = () => {
    page = 0;
    draw();
  };
  search.addEventListener('input', restart);
  for (const { select } of selects) select.addEventListener('change', restart);
  filters.append(
    make('label', { className: 'search' }, 'search', search),
    ...selects.map(({ column, select }) => make('label', {}, column.title, select)),
    make('div', { className: 'pager' }, back, on, count),
  );
  filters.hidden = false;
  document.getElementById('flow-scriptless').hidden = true;
  draw();
}
`;

/** Of `SCRIPT`, for the page's policy; a test tells the right one when the script changes. */
export const SCRIPT_HASH = 'sha256-nmQ4qltHK3ZF9qCHtU/gyXUquYsUnyHUyU+7jfefdoY=';
