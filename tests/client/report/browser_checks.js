// What browser_test.py asks of a page; evaluated in it. Every function returns plain values, complaints as lists of text.
const checks = (() => {
  const isShown = (element) => element.getClientRects().length > 0 &&
      element.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true});
  const name = (element) => `${element.tagName} ${(element.getAttribute('aria-label') ?? element.textContent).slice(0, 40)}`;

  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  // [red, green, blue, alpha], 0 to 255, of any CSS colour.
  const pixel = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (value) => value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((left, right) => left - right);
    return (light + 0.05) / (dark + 0.05);
  };
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = pixel(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  // Euclidean in Oklab, where equal distances look equal.
  const oklab = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map(linear);
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
  };

  return {
    // WCAG 2 AA for text: 4.5 to 1.
    lowContrast() {
      const complaints = [];
      for (const element of document.querySelectorAll('body *')) {
        const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        const isHidden = !isShown(element) || element.closest('.hidden, .skip, script, title');
        if (!hasText || isHidden) continue;
        const style = getComputedStyle(element);
        const ratio = contrast(pixel(element.closest('svg') ? style.fill : style.color), backgroundOf(element));
        if (ratio < 4.5) complaints.push(`${name(element)}: ${ratio.toFixed(2)}`);
      }
      return complaints;
    },
    // Drawings that the reader cannot see or that have no name.
    badFigures() {
      const complaints = [];
      for (const svg of document.querySelectorAll('svg')) {
        const box = svg.getBoundingClientRect();
        if (isShown(svg) && (box.width < 12 || box.height < 6)) complaints.push(`${name(svg)}: ${box.width} x ${box.height}`);
        const isNamed = svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label');
        if (!isNamed && svg.getAttribute('aria-hidden') !== 'true') complaints.push(`${name(svg)}: no name`);
      }
      for (const figure of document.querySelectorAll('figure')) {
        if (!figure.querySelector('figcaption')?.textContent.trim()) complaints.push(`${name(figure)}: no caption`);
        if (!figure.querySelector('svg[role=img], table')) complaints.push(`${name(figure)}: nothing in it`);
      }
      return complaints;
    },
    // Levels of headings, in order.
    headingLevels: () => [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1])),
    duplicateIds() {
      const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
      return ids.filter((id, index) => ids.indexOf(id) !== index);
    },
    overflow: () => document.documentElement.scrollWidth - innerWidth,
    // Of the first legend: lightness at each step, and the distances between neighbours of different shade.
    legend(section) {
      const colours = [...document.querySelectorAll(`#${section} .legend.shared path`)].map(
          (path) => oklab(pixel(getComputedStyle(path).stroke)));
      return colours;
    },
    // Of every map, the place on the ramp of its strongest colour that is shown.
    largestShades: (section) => [...document.querySelectorAll(`#${section} figure.map`)].map(
        (figure) => Math.max(...[...figure.querySelectorAll('.cells path')].filter(isShown).map(
            (path) => Number(path.style.getPropertyValue('--t'))))),
    shownMeasures: () => [...document.querySelectorAll('.measure')].filter(isShown).map(
        (figure) => figure.classList.contains('removed') ? 'removed' : 'kept'),
    readouts: () => [...document.querySelectorAll('.readout')].map((readout) => readout.textContent),
    tableValue(map, layer, head) {
      const table = document.querySelectorAll('figure.map')[map].querySelector('table');
      return table.tBodies[0].rows[layer].cells[head + 1].textContent.trim();
    },
    cellCentre(map, layer, head) {
      const svg = document.querySelectorAll('figure.map')[map].querySelector('svg');
      svg.scrollIntoView({block: 'center', behavior: 'instant'});
      const box = svg.getBoundingClientRect();
      const {left, top, cell} = svg.dataset;
      return [box.x + Number(left) + (head + 0.5) * cell, box.y + Number(top) + (layer + 0.5) * cell];
    },
  };
})();
