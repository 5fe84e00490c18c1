'use strict';
const body = document.querySelector('tbody');
const original = [...body.rows];
const headings = [...document.querySelectorAll('thead th')];
const orders = { null: 'ascending', ascending: 'descending', descending: null };

// The first column sorts by its words, the others by how bad they are; what is
// alike stays in its order.
function compare(column) {
  if (column === 0) return (a, b) => a.cells[0].textContent.localeCompare(b.cells[0].textContent);
  const rank = row => Number(row.cells[column].dataset.rank);
  return (a, b) => rank(a) - rank(b);
}

headings.forEach((heading, column) => heading.querySelector('button').addEventListener('click', () => {
  const order = orders[heading.getAttribute('aria-sort')];
  headings.forEach(h => h.removeAttribute('aria-sort'));
  let rows = original;
  if (order) {
    heading.setAttribute('aria-sort', order);
    const sign = order === 'ascending' ? 1 : -1;
    const by = compare(column);
    rows = [...original].sort((a, b) => sign * by(a, b));
  }
  body.append(...rows);
}));
