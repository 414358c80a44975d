"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;

  // --- light and dark -------------------------------------------------------------------------

  const theme = byId("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  // Pages from disk may have no storage; then the choice lasts as long as the page.
  const stored = (write) => { try { return write(localStorage); } catch { return null; } };
  const chosen = stored((storage) => storage.getItem("theme"));
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    stored((storage) => storage.setItem("theme", root.dataset.theme));
    nameTheme();
  });
  prefersDark.addEventListener("change", nameTheme);
  nameTheme();

  // --- sort -----------------------------------------------------------------------------------

  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };

  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const value = (row) => row.cells[column].dataset.value;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      // What has no value stands last in either direction.
      if (x === "" || y === "") return (x === "") - (y === "");
      return direction * compare(x, y);
    });
    body.append(...rows);
  };

  for (const table of all("table.models")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.firstElementChild.addEventListener("click", () => {
        const known = head.getAttribute("aria-sort");
        const first = ["rank", "model", "minutes"].includes(head.className) ? "ascending" : "descending";
        const other = { ascending: "descending", descending: "ascending" };
        const next = known ? other[known] : first;
        heads.forEach((item) => item.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", next);
        sort(table, column, next === "ascending" ? 1 : -1);
      });
    });
  }

  // --- search and filter ----------------------------------------------------------------------

  const search = byId("search");
  const task = byId("task");
  const kind = byId("rows");

  const wanted = (row, words) => {
    if (kind.value === "ranked" && !("ranked" in row.dataset)) return false;
    if (["model", "baseline"].includes(kind.value) && row.dataset.kind !== kind.value) return false;
    const text = row.cells[1].textContent.toLowerCase();
    return words.every((word) => text.includes(word));
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [shown, total] = [0, 0];
    for (const section of all("section.task")) {
      section.hidden = Boolean(task.value) && section.id !== task.value;
      const rows = all("table.models tbody tr", section);
      total += rows.length;
      let here = 0;
      for (const row of rows) {
        const fits = wanted(row, words);
        all(`[data-row="${row.dataset.row}"]`, section).forEach((item) => {
          item.toggleAttribute("hidden", !fits);
        });
        here += fits;
      }
      section.querySelector(".none").hidden = here > 0;
      if (!section.hidden) shown += here;
    }
    byId("status").textContent = shown === total ? `${total} rows` : `${shown} of ${total} rows`;
  };

  search.addEventListener("input", filter);
  task.addEventListener("change", filter);
  kind.addEventListener("change", filter);
  byId("controls").addEventListener("submit", (event) => event.preventDefault());

  theme.hidden = false;
  byId("controls").hidden = false;
  // A browser may keep what was typed when the page is loaded again.
  filter();
})();
