// The linked cursor: pointing at a head on one map, or walking to it with the arrow keys, shows it on all of them. All
// numbers come from the tables beneath the maps.
(() => {
  'use strict';
  const readMap = (figure) => {
    const svg = figure.querySelector('.stage svg');
    const data = svg.dataset;
    return {
      svg,
      cursor: svg.querySelector('.cursor'),
      cell: Number(data.cell), left: Number(data.left), top: Number(data.top), layers: Number(data.layers), heads: Number(data.heads),
      label: figure.querySelector('figcaption b').textContent,
      stage: figure.querySelector('.stage'),
      readout: figure.querySelector('.readout'),
      rows: figure.querySelector('table').tBodies[0].rows,
    };
  };
  const maps = [...document.querySelectorAll('figure.map')].map(readMap);
  let current = null;

  const announcer = document.createElement('div');
  announcer.className = 'hidden';
  announcer.setAttribute('role', 'status');
  document.body.append(announcer);

  const valueText = (map) => map.rows[current.layer].cells[current.head + 1].textContent.trim();
  const showOn = (map) => {
    if (!current || current.layer >= map.layers || current.head >= map.heads) {
      map.cursor.setAttribute('visibility', 'hidden');
      map.readout.textContent = '';
      return;
    }
    map.cursor.setAttribute('x', map.left + current.head * map.cell);
    map.cursor.setAttribute('y', map.top + current.layer * map.cell);
    map.cursor.setAttribute('visibility', 'visible');
    map.readout.textContent = `layer ${current.layer} head ${current.head}: ${valueText(map)}`;
  };
  const moveTo = (head) => {
    if (current && head && current.layer === head.layer && current.head === head.head) return;
    current = head;
    maps.forEach(showOn);
  };
  const announce = (map) => {
    announcer.textContent = current ? `layer ${current.layer} head ${current.head}: ${valueText(map)}` : '';
  };

  const headAt = (map, event) => {
    const box = map.svg.getBoundingClientRect();
    const scale = map.svg.viewBox.baseVal.width / box.width;
    const head = Math.floor(((event.clientX - box.left) * scale - map.left) / map.cell);
    const layer = Math.floor(((event.clientY - box.top) * scale - map.top) / map.cell);
    const inside = head >= 0 && head < map.heads && layer >= 0 && layer < map.layers;
    return inside ? {layer, head} : null;
  };
  const walk = (map, key) => {
    const {layer, head} = current ?? {layer: 0, head: 0};
    const steps = {
      ArrowLeft: {layer, head: head - 1}, ArrowRight: {layer, head: head + 1},
      ArrowUp: {layer: layer - 1, head}, ArrowDown: {layer: layer + 1, head},
      Home: {layer, head: 0}, End: {layer, head: map.heads - 1},
      PageUp: {layer: 0, head}, PageDown: {layer: map.layers - 1, head},
    };
    const next = steps[key];
    if (!next) return null;
    return {layer: Math.min(Math.max(next.layer, 0), map.layers - 1), head: Math.min(Math.max(next.head, 0), map.heads - 1)};
  };

  const link = (map) => {
    map.stage.tabIndex = 0;
    map.stage.setAttribute('role', 'application');
    map.stage.setAttribute('aria-roledescription', 'heat map');
    map.stage.setAttribute('aria-label', `${map.label}: arrow keys walk through the heads`);
    map.stage.addEventListener('pointermove', (event) => moveTo(headAt(map, event)));
    map.stage.addEventListener('pointerdown', (event) => moveTo(headAt(map, event)));
    map.stage.addEventListener('pointerleave', () => { if (document.activeElement !== map.stage) moveTo(null); });
    map.stage.addEventListener('focus', () => {
      if (!map.stage.matches(':focus-visible')) return;
      moveTo(current ?? {layer: 0, head: 0});
      announce(map);
    });
    map.stage.addEventListener('blur', () => moveTo(null));
    map.stage.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        moveTo(null);
      } else {
        const next = walk(map, event.key);
        if (!next) return;
        event.preventDefault();
        moveTo(next);
      }
      announce(map);
    });
  };
  maps.forEach(link);
  document.documentElement.classList.add('linked');
})();
