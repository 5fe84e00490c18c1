// What a reader finds in the page's table.
(() => {
  const text = e => e.innerText.trim();
  const rows = [...document.querySelectorAll('tbody tr')];
  return {
    Columns: [...document.querySelectorAll('thead th[scope=col]')].map(h => text(h.querySelector('button'))),
    Rows: rows.map(r => text(r.querySelector('th[scope=row]'))),
    Cells: rows.map(r => [...r.querySelectorAll('td')].map(text)),
  };
})()
