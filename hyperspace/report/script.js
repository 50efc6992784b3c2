"use strict";
// Tables: a click on a head sorts by it, a second one the other way round; what has no value comes last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const key = (row) => {
      const cell = row.cells[column];
      if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
      return cell.textContent === "" ? null : cell.textContent;
    };
    const compare = (a, b) => {
      if (a === null || b === null) return (a === null) - (b === null);
      if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
      return sign * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
    };
    const keyed = [...body.rows].map((row) => [key(row), row]);
    keyed.sort((a, b) => compare(a[0], b[0]));
    body.append(...keyed.map((pair) => pair[1]));
  }));
}
// Rows that have more to tell do so where they are pointed at, or tapped.
const note = document.createElement("div");
note.id = "note";
note.hidden = true;
document.body.append(note);
const tell = (row, x, y) => {
  note.textContent = row.dataset.note;
  note.hidden = false;
  const box = note.getBoundingClientRect();
  note.style.left = Math.max(8, Math.min(x + 16, document.documentElement.clientWidth - box.width - 8)) + "px";
  note.style.top = (y + 16 + box.height < window.innerHeight ? y + 16 : Math.max(8, y - box.height - 16)) + "px";
};
for (const body of document.querySelectorAll("table.sortable > tbody")) {
  const rowOf = (event) => event.target.closest("tr[data-note]");
  body.addEventListener("pointermove", (event) => { const row = rowOf(event); if (row) tell(row, event.clientX, event.clientY); });
  body.addEventListener("pointerleave", () => { note.hidden = true; });
  body.addEventListener("focusin", (event) => {
    const row = rowOf(event);
    if (row) { const box = row.getBoundingClientRect(); tell(row, box.left + 24, box.bottom - 12); }
  });
  body.addEventListener("focusout", () => { note.hidden = true; });
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") note.hidden = true; });
document.addEventListener("scroll", () => { note.hidden = true; }, true);
