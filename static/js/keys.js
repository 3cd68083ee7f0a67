// Single keys. A link or button names its own by data-key; the sheet that "?" opens lists them and can switch them off.
import { recall, remember } from "./storage.js";
import { moveInGrid } from "./grid.js";

const sheet = document.getElementById("keys");
const toggle = sheet.querySelector("[data-keys-switch]");
toggle.checked = recall("keys") !== "off";
toggle.addEventListener("change", () => remember("keys", toggle.checked ? null : "off"));

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-open-sheet]")) sheet.showModal();
  else if (target === sheet) sheet.close(); // the backdrop
});

const isTyping = (element) => element.matches("input:not([type=checkbox], [type=radio], [type=file]), textarea, select, [contenteditable]");

function back() {
  const link = document.querySelector("[data-back]");
  if (!link) return false;
  const cameFromHere = document.referrer && new URL(document.referrer).origin === location.origin;
  if (cameFromHere && history.length > 1) history.back();
  else link.click();
  return true;
}

/** Closes whatever is open on top; true when there was something. */
function closeTop() {
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return false;
  menu.open = false;
  menu.querySelector("summary").focus();
  return true;
}

/** The tile that a key acts on: the focused one, else the one under the pointer. */
const currentTile = () => document.activeElement.closest(".tile") ?? document.querySelector(".tile:hover");

function act(key) {
  if (key === "?") return sheet.showModal(), true;
  if (key === "x") {
    const pick = currentTile()?.querySelector("[data-pick]");
    return pick ? (pick.click(), true) : false;
  }
  const name = CSS.escape(key);
  const bound = currentTile()?.querySelector(`[data-tile-key="${name}"]`) ?? document.querySelector(`[data-key="${name}"]`);
  if (!bound) return false;
  if (isTyping(bound)) bound.focus();
  else bound.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || sheet.open) return;
  if (event.key === "Escape") {
    if (isTyping(event.target)) event.target.blur();
    else if (closeTop() || back()) event.preventDefault();
    return;
  }
  if (isTyping(event.target)) return;
  if (event.key.startsWith("Arrow") && moveInGrid(event.key)) return event.preventDefault();
  if (event.key.length === 1 && !toggle.checked) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (act(key)) event.preventDefault();
});
