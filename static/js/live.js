// The page's one live region.

export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  // A reader notices only a change: empty first, then the words.
  setTimeout(() => { live.textContent = text; }, 50);
}
