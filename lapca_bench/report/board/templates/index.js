// The index: finding a system in the list that is already on the page.
"use strict";
(() => {
  const part = (name) => document.getElementById(`i-${name}`);
  const rows = [...part("systems").tBodies[0].rows].map((element) => ({
    element, text: element.cells[0].textContent.toLowerCase(), kind: element.cells[1].textContent, origin: element.cells[2].textContent,
  }));
  const show = () => {
    const wanted = part("search").value.trim().toLowerCase(), kind = part("kind").value, origin = part("origin").value;
    let shown = 0;
    for (const row of rows) {
      row.element.hidden = !((!wanted || row.text.includes(wanted)) && (!kind || row.kind === kind) && (!origin || row.origin.includes(origin)));
      if (!row.element.hidden) shown += 1;
    }
    part("hint").textContent = `${shown} of ${rows.length} systems`;
  };
  part("search").addEventListener("input", show);
  for (const name of ["kind", "origin"]) part(name).addEventListener("change", show);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); part("search").focus(); }
  });
  document.querySelectorAll(".needs-script").forEach((element) => { element.hidden = false; });
  show();
})();
