// Small enhancements of plain markup: theme, menus, selects that send their form, buttons that copy, forms sent once.
import { announce } from "./live.js";
import { recall, remember } from "./storage.js";

const THEMES = ["system", "light", "dark"];

const themeSwitch = document.querySelector("[data-theme-switch]");
const themeName = document.querySelector("[data-theme-name]");
themeName.textContent = recall("theme") ?? "system";
themeSwitch.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(themeName.textContent) + 1) % THEMES.length];
  themeName.textContent = next;
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  remember("theme", next === "system" ? null : next);
  announce(`Theme: ${next}`);
});

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("change", ({ target }) => {
  target.closest("form[data-autosubmit]")?.requestSubmit();
});

// A part that is opened takes the focus into its first field: at once, so that it takes it from no field chosen after.
for (const details of document.querySelectorAll("details[data-focus-first]")) {
  details.querySelector("summary").addEventListener("click", (event) => {
    if (details.open) return;
    event.preventDefault();
    details.open = true;
    details.querySelector("input:not([type=hidden]), textarea, select")?.focus();
  });
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    announce("Copied");
    button.querySelector("[data-copy-text]").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    announce("Selected: press Ctrl+C to copy");
  }
});

// One press sends a form once. Back must find it usable again.
document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (form.method !== "post" || !submitter) return;
  if (submitter.getAttribute("aria-busy") === "true") event.preventDefault();
  else submitter.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll('button[aria-busy="true"]')) button.removeAttribute("aria-busy");
});
