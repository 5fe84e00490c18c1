// What keeps the page from being read, as it is shown now.
(() => {
  const faults = [];
  const channels = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour[3] === undefined || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  // WCAG 2.1, 1.4.3.
  for (const e of document.querySelectorAll('h1, p, li, th, button, small, td b, td i')) {
    const [a, b] = [channels(getComputedStyle(e).color), behind(e)].map(luminance).sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faults.push(`${e.tagName} "${e.innerText}" has a contrast of ${contrast.toFixed(1)}`);
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (size < 11) faults.push(`${e.tagName} "${e.innerText}" is ${size} px high`);
  }
  // A sign of its own for each status, for those who do not see its colour.
  const signs = ['ok', 'limit', 'FAIL', 'skip'].map(s => getComputedStyle(document.querySelector(`td b.${s}`), '::before').content);
  if (new Set(signs).size !== 4 || signs.includes('none')) faults.push(`the signs are ${signs}`);
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) faults.push(`the page is ${width} px wide, of ${innerWidth}`);
  // Headings stay in sight while the matrix is scrolled, and leave room for cells.
  const matrix = document.querySelector('.matrix');
  const row = document.querySelector('tbody tr:last-child th');
  const column = document.querySelector('thead th:last-child');
  matrix.scrollIntoView();
  const frame = matrix.getBoundingClientRect();
  matrix.scrollTo(matrix.scrollWidth, matrix.scrollHeight);
  if (Math.abs(row.getBoundingClientRect().left - frame.left) > 2) faults.push('the first column scrolls away');
  if (Math.abs(column.getBoundingClientRect().top - frame.top) > 2) faults.push('the headings scroll away');
  if (matrix.scrollHeight > matrix.clientHeight && matrix.scrollTop === 0) faults.push('the matrix does not scroll');
  if (row.offsetWidth > frame.width / 2) faults.push(`the first column takes ${row.offsetWidth} px of ${frame.width}`);
  matrix.scrollTo(0, 0);
  scrollTo(0, 0);
  return faults;
})()
