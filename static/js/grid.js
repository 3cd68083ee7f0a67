// Arrow keys walk the tiles as the eye sees them.

const centre = (element) => {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return { x: (left + right) / 2, y: (top + bottom) / 2 };
};

/** The tile in the row above (-1) or below (+1) whose centre lies nearest. */
function acrossRows(tiles, index, direction) {
  const from = centre(tiles[index]);
  let row = null;
  let best = null;
  for (let i = index + direction; i >= 0 && i < tiles.length; i += direction) {
    const at = centre(tiles[i]);
    if (Math.abs(at.y - from.y) < 2) continue;
    row ??= at.y;
    if (Math.abs(at.y - row) > 2) break;
    if (best === null || Math.abs(at.x - from.x) < Math.abs(centre(best).x - from.x)) best = tiles[i];
  }
  return best;
}

/** Moves the focus; false when the key is not the grid's: then it may be the page's. */
export function moveInGrid(key) {
  const current = document.activeElement.closest(".tile");
  if (!current) {
    // A page with its own arrows keeps them until a tile is focused.
    if (document.querySelector('[data-key^="Arrow"]') || document.activeElement !== document.body) return false;
    const seen = [...document.querySelectorAll(".tile")].find((tile) => tile.getBoundingClientRect().bottom > 100);
    seen?.querySelector(".tile__link").focus({ focusVisible: true });
    return Boolean(seen);
  }
  const tiles = [...current.parentElement.querySelectorAll(":scope > .tile")];
  const index = tiles.indexOf(current);
  const next = {
    ArrowLeft: () => tiles[index - 1],
    ArrowRight: () => tiles[index + 1],
    ArrowUp: () => acrossRows(tiles, index, -1),
    ArrowDown: () => acrossRows(tiles, index, 1),
  }[key]();
  next?.querySelector(".tile__link").focus({ focusVisible: true });
  return true;
}
