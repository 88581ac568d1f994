// Runs before the first paint, so the page never flashes in the wrong theme. External because the page allows no inline script.
(function () {
  var theme = null;
  try { theme = localStorage.getItem('fd-theme'); } catch (e) { /* storage is off: follow the system */ }
  if (theme !== 'light' && theme !== 'dark') {
    theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  }
  document.documentElement.dataset.theme = theme;
})();
