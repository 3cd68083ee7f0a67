// Runs before the first paint, so that no wrong colours flash: marks that scripts work, and applies the chosen theme.
document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: the system's theme stays.
}
